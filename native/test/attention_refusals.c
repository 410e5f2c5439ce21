// Passes of TreeAttention with wrong numbers: each is refused, and what may be so is not.
#include "attention_cases.h"

static void check_refusals(const AttentionKernels *kernels) {
  for (int i = 0; i < 3000; i++) {
    Case made = make_case(SMALL);
    Pass pass = made.pass;
    if (pass.row_count == 0) {
      release(&made);
      continue;
    }
    Row *row = (Row *)pass.rows + below(pass.row_count);
    int32_t *tables = (int32_t *)pass.tables + row->sequence * pass.sequence_pages;
    const int32_t slots = (int32_t)(pass.sequence_pages * pass.page_slots), none = (int32_t)pass.pages;
    const int64_t named = row->position - row->prefix;
    const char *expected = "page";
    switch (below(12)) {
      case 0: row->sequence = below(2) ? -1 : (int32_t)pass.sequences, expected = "sequence"; break;
      case 1: row->position = below(2) ? INT32_MIN : (int32_t)pass.positions, expected = "position"; break;
      case 2: row->slot = below(2) ? -1 : slots, expected = "slot"; break;
      case 3: row->prefix = below(2) ? -1 : row->position + 1, expected = "prefix"; break;
      case 4: tables[row->slot / pass.page_slots] = below(2) ? -1 : none; break;
      case 5: row->position = INT32_MAX, expected = "position"; break;
      case 6:
        if (!named) expected = NULL;
        else row->first = (int32_t)(pass.ancestor_count - named + 1), expected = "ancestors";
        break;
      case 7:
        if (!named) expected = NULL;
        else row->first = below(2) ? -1 : INT32_MAX, expected = "ancestors";
        break;
      case 8:
        if (!named) expected = NULL;
        else ((int32_t *)pass.ancestors)[row->first + below(named)] = below(2) ? -1 : slots, expected = "ancestor";
        break;
      case 9:
        if (!named) expected = NULL;
        else tables[pass.ancestors[row->first + below(named)] / pass.page_slots] = below(2) ? -1 : none;
        break;
      case 10:
        if (!row->prefix) expected = NULL;
        else tables[below(row->prefix) / pass.page_slots] = below(2) ? INT32_MIN : INT32_MAX;
        break;
      default: row->first = named ? row->first : INT32_MIN, expected = NULL;
    }
    const char *wrong = check_pass(&pass);
    if (expected ? !wrong || !strstr(wrong, expected) : wrong != NULL)
      fail(wrong ? wrong : "not refused", kernels, &pass);
    release(&made);
  }
}

int main(void) {
  const Kernels *chosen = choose_kernels();
  if (!chosen) return fprintf(stderr, "FORETOKEN_KERNELS names kernels that do not run here\n"), 2;
  check_refusals(attention_kernels(chosen));
  printf("attention %s: wrong numbers are refused\n", chosen->name);
  return 0;
}
