// What a pass of TreeAttention may not say: every number is looked at before anything is written.
#include "attention_pass.h"

// Whether a slot of a sequence lies in one of the pool's pages.
static int has_page(const Pass *pass, const Row *row, int64_t slot) {
  const int32_t page = pass->tables[row->sequence * pass->sequence_pages + slot / pass->page_slots];
  return page >= 0 && page < pass->pages;
}

const char *check_pass(const Pass *pass) {
  const int64_t slots = pass->sequence_pages * pass->page_slots;
  // The prefix that is known to have pages, of the sequence of the row before.
  int64_t sequence = -1, known = 0;
  for (const Row *row = pass->rows; row < pass->rows + pass->row_count; row++) {
    if (row->sequence < 0 || row->sequence >= pass->sequences) return "a row's sequence has no row in pages";
    if (row->position < 0 || row->position >= pass->positions) return "a row's position is not in the rotary tables";
    if (row->slot < 0 || row->slot >= slots) return "a row's slot lies beyond its sequence's pages";
    if (!has_page(pass, row, row->slot)) return "a row's slot lies in a page that the pool does not have";
    if (row->prefix < 0 || row->prefix > row->position) return "a row's prefix must be from 0 to its position";
    if (row->prefix > slots) return "a row's prefix reaches beyond its sequence's pages";
    if (row->sequence != sequence) known = 0;
    sequence = row->sequence;
    for (; known < row->prefix; known += pass->page_slots)
      if (!has_page(pass, row, known)) return "a row's prefix lies in a page that the pool does not have";
    const int64_t count = (int64_t)row->position - row->prefix;
    if (count > 0 && (row->first < 0 || row->first + count > pass->ancestor_count))
      return "a row's ancestors reach beyond their list";
    for (int64_t i = 0; i < count; i++) {
      const int32_t slot = pass->ancestors[row->first + i];
      if (slot < 0 || slot >= slots) return "an ancestor's slot lies beyond its sequence's pages";
      if (!has_page(pass, row, slot)) return "an ancestor's slot lies in a page that the pool does not have";
    }
  }
  return NULL;
}
