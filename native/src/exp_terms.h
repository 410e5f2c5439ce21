// How e^x is computed: x = n ln 2 + r, and a polynomial of r (Cody & Waite; Cephes).
#ifndef FORETOKEN_EXP_TERMS_H
#define FORETOKEN_EXP_TERMS_H

#define EXP_LOWEST (-87.0f)
#define EXP_LOG2E 1.44269504f
// 1.5 * 2^23: added to a small number, its sum's low bits are the number's integer, rounded half to even.
#define EXP_ROUND 12582912.0f
// 355 / 512, so that n times it is exact, and the rest of ln 2.
#define EXP_LN2_HIGH 0.693359375f
#define EXP_LN2_LOW (-2.12194440e-4f)
// Cephes' polynomial for |r| <= ln2 / 2, from r^7 down to r^2; then r and 1.
#define EXP_TERMS {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, \
                   5.0000001201e-1f, 1.0f, 1.0f}
enum { EXP_TERM_COUNT = 8 };

#endif
