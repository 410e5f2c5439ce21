/** Index of a token in a tokenizer's vocabulary. */
export type TokenId = number;
