// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/bpe_automaton.hpp.
#pragma once

#include <algorithm>
#include <bit>

#include <dnalm/tokenize/bpe_automaton.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// Entries of the trie (4 bytes each) above which the automaton is not built.
inline constexpr std::size_t most_trie_entries = std::size_t{1} << 24;
/// Letters of a token above which it is not built: a search looks this far at every letter.
inline constexpr std::size_t longest_trie_token = 1024;

/// Whether no merge makes a token that an earlier one has taken, or wanted to take.
[[nodiscard]] inline bool made_before_taken(const std::vector<std::string>& tokens,
                                            const std::vector<bpe_definition::merge>& merges) {
  std::vector<bool> exists(tokens.size(), false);
  std::vector<bool> wanted(tokens.size(), false);
  for (std::size_t id = 0; id < tokens.size(); ++id) exists[id] = tokens[id].size() == 1;
  for (const bpe_definition::merge& merge : merges) {
    const auto left = static_cast<std::size_t>(merge.left);
    const auto right = static_cast<std::size_t>(merge.right);
    const auto result = static_cast<std::size_t>(merge.result);
    wanted[left] = wanted[right] = true;
    if (!exists[left] || !exists[right]) continue;
    if (wanted[result]) return false;
    exists[result] = true;
  }
  return true;
}

/// Letters in four classes, the four that begin most tokens apart.
[[nodiscard]] inline std::array<std::uint8_t, 256> letter_classes(
    const std::vector<std::string>& tokens, const std::vector<bpe_definition::merge>& merges) {
  std::array<std::size_t, 256> counts{};
  for (const bpe_definition::merge& merge : merges) {
    const std::string& text = tokens[static_cast<std::size_t>(merge.result)];
    if (!text.empty()) ++counts[static_cast<unsigned char>(text[0])];
  }
  std::array<std::uint8_t, 256> order{};
  for (std::size_t byte = 0; byte < 256; ++byte) order[byte] = static_cast<std::uint8_t>(byte);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return counts[a] > counts[b]; });
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t place = 0; place < 256; ++place)
    classes[order[place]] = static_cast<std::uint8_t>(place & 3);
  return classes;
}

}  // namespace detail

DNALM_INLINE bpe_automaton::bpe_automaton(const std::vector<std::string>& tokens,
                                          const std::vector<bpe_definition::merge>& merges) {
  if (merges.empty() || merges.size() >= never || !detail::made_before_taken(tokens, merges)) return;
  find_pieces(tokens, merges);
  if (!make_trie(tokens)) trie_.clear();
}

DNALM_INLINE void bpe_automaton::add_merge(piece_number left, piece_number right, time_type time) {
  const std::uint32_t pair = (static_cast<std::uint32_t>(left) << 16) | right;
  std::size_t at = (pair * 0x9E3779B1U) >> shift_;
  while (merges_[at].time != 0) at = (at + 1) & (merges_.size() - 1);
  merges_[at] = {pair, time};
  time_type& as_left = pieces_[left].first_as_left[pieces_[right].begins];
  time_type& as_right = pieces_[right].first_as_right[pieces_[left].ends];
  as_left = std::min(as_left, time);
  as_right = std::min(as_right, time);
}

DNALM_INLINE bpe_automaton::time_type bpe_automaton::time_of(piece_number left, piece_number right) const {
  const std::uint32_t pair = (static_cast<std::uint32_t>(left) << 16) | right;
  for (std::size_t at = (pair * 0x9E3779B1U) >> shift_;; at = (at + 1) & (merges_.size() - 1)) {
    const merge_slot slot = merges_[at];
    if (slot.time == 0) return never;
    if (slot.pair == pair) return static_cast<time_type>(slot.time);
  }
}

/// Whether B(u v) = u, v; without wholes the merge of u and v themselves does not count.
///
/// Back in time from u and v complete: x on the right edge of u lives from the merge that made it to the one
/// that took it (u_end), y on the left edge of v likewise; x and y are merged when the time of that merge
/// lies in both lives. A merge inside v that takes y has the time of the pair only if it is the same pair
/// further right, which comes later; one inside u is further left and comes first.
DNALM_INLINE bool bpe_automaton::edges_stay_apart(piece_number u, piece_number v, bool with_wholes) const {
  time_type u_end = never;
  time_type v_end = never;
  const piece* x = &pieces_[u];
  const piece* y = &pieces_[v];
  const std::size_t ends = x->ends;      // of all along the right edge of u
  const std::size_t begins = y->begins;  // of all along the left edge of v
  for (bool counts = with_wholes;; counts = true) {
    const time_type first = std::max(x->first_as_left[begins], y->first_as_right[ends]);
    if (counts && first < u_end && first <= v_end) {
      const time_type time = time_of(u, v);
      if (time < u_end && time <= v_end) return false;
    }
    if (x->made > y->made) {
      u_end = x->made;
      u = x->right;
      x = &pieces_[u];
    } else if (y->made > 0) {
      v_end = y->made;
      v = y->left;
      y = &pieces_[v];
    } else {
      return true;
    }
  }
}

/// The tokens that merging can leave: letters, and what two such tokens make when nothing joins their edges
/// before.
DNALM_INLINE void bpe_automaton::find_pieces(const std::vector<std::string>& tokens,
                                             const std::vector<bpe_definition::merge>& merges) {
  const std::uint32_t slots =
      std::bit_ceil(static_cast<std::uint32_t>(std::max<std::size_t>(2, 2 * merges.size())));
  merges_.assign(slots, {});
  shift_ = 32 - std::countr_zero(slots);
  const std::array<std::uint8_t, 256> classes = detail::letter_classes(tokens, merges);
  std::vector<std::int32_t> numbers(tokens.size(), -1);
  const auto add = [&](std::int32_t id, const piece& added) {
    if (numbers[static_cast<std::size_t>(id)] >= 0) return;
    numbers[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(pieces_.size());
    pieces_.push_back(added);
    tokens_.push_back(id);
  };
  for (const bpe_definition::merge& merge : merges) {
    for (const std::int32_t id : {merge.left, merge.right}) {
      const std::string& text = tokens[static_cast<std::size_t>(id)];
      if (text.size() != 1) continue;
      letters_[static_cast<unsigned char>(text[0])] = 0;
      piece letter;
      letter.begins = letter.ends = classes[static_cast<unsigned char>(text[0])];
      add(id, letter);
    }
  }
  for (std::size_t rank = 0; rank < merges.size() && pieces_.size() < no_piece; ++rank) {
    const std::int32_t left = numbers[static_cast<std::size_t>(merges[rank].left)];
    const std::int32_t right = numbers[static_cast<std::size_t>(merges[rank].right)];
    if (left < 0 || right < 0) continue;
    const auto time = static_cast<time_type>(rank + 1);
    const auto u = static_cast<piece_number>(left);
    const auto v = static_cast<piece_number>(right);
    const bool stays = edges_stay_apart(u, v, false);
    add_merge(u, v, time);
    if (!stays) continue;
    piece made{.left = u, .right = v, .made = time};
    made.begins = pieces_[u].begins;
    made.ends = pieces_[v].ends;
    add(merges[rank].result, made);
  }
}

/// Adds the way of a text to the trie; false when it has grown too large.
DNALM_INLINE bool bpe_automaton::insert(std::string_view text, piece_number number) {
  if (text.size() > detail::longest_trie_token) return false;
  std::size_t node = 0;
  for (const char byte : text) {
    const auto letter = static_cast<std::size_t>(letters_[static_cast<unsigned char>(byte)]);
    const std::size_t place = node + 1 + letter;
    if (trie_[place] == 0) {
      if (trie_.size() + stride_ > detail::most_trie_entries) return false;
      trie_[place] = static_cast<std::int32_t>(trie_.size());
      trie_.resize(trie_.size() + stride_, 0);
      trie_[static_cast<std::size_t>(trie_[place])] = trie_[node];
    }
    node = static_cast<std::size_t>(trie_[place]);
  }
  links_[number] = {static_cast<piece_number>(trie_[node]), static_cast<std::uint16_t>(text.size())};
  trie_[node] = number;
  return true;
}

/// Short pieces first, so that each finds its longest prefix on the way. False when the trie gets too large.
DNALM_INLINE bool bpe_automaton::make_trie(const std::vector<std::string>& tokens) {
  if (pieces_.size() >= no_piece) return false;
  std::int16_t count = 0;
  for (std::int16_t& letter : letters_) {
    if (letter >= 0) letter = count++;
  }
  stride_ = static_cast<std::size_t>(count) + 1;
  std::vector<piece_number> order;
  for (std::size_t number = 0; number < pieces_.size(); ++number) {
    order.push_back(static_cast<piece_number>(number));
  }
  const auto text = [&](piece_number number) -> const std::string& {
    return tokens[static_cast<std::size_t>(tokens_[number])];
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](piece_number a, piece_number b) { return text(a).size() < text(b).size(); });
  links_.assign(pieces_.size(), {});
  trie_.assign(stride_, 0);
  trie_[0] = no_piece;
  return std::all_of(order.begin(), order.end(),
                     [&](piece_number number) { return insert(text(number), number); });
}

DNALM_INLINE bpe_automaton::piece_number bpe_automaton::longest_piece(std::string_view word,
                                                                      std::size_t at) const {
  const std::int32_t* trie = trie_.data();
  std::size_t node = 0;
  for (; at < word.size(); ++at) {
    const auto letter = static_cast<std::size_t>(letters_[static_cast<unsigned char>(word[at])]);
    const auto next = static_cast<std::size_t>(trie[node + 1 + letter]);
    if (next == 0) break;
    node = next;
  }
  return static_cast<piece_number>(trie[node]);
}

/// `dead` marks places ahead of `at` (bit i: at + i) from which no chain goes on to the end. Only one chain
/// leads to a place, so a piece that ends there need not be tried.
DNALM_INLINE bool bpe_automaton::encode(std::string_view word, std::vector<step>& chain) const {
  chain.clear();
  std::size_t at = 0;
  std::uint64_t dead = 0;
  std::uint64_t steps_left = 64 * (static_cast<std::uint64_t>(word.size()) + 1);
  piece_number last = no_piece;
  const auto fits = [&](piece_number next) {
    const std::uint16_t length = links_[next].length;
    if (length < 64 && ((dead >> length) & 1) != 0) return false;
    return last == no_piece || edges_stay_apart(last, next, true);
  };
  while (at < word.size()) {
    piece_number next = longest_piece(word, at);
    while (next == no_piece || !fits(next)) {
      if (steps_left-- == 0) return false;
      if (next == no_piece) {  // nothing fits here: a shorter piece instead of the last one
        if (chain.empty()) return false;
        const std::uint16_t length = links_[last].length;
        dead = length < 64 ? (dead << length) | (std::uint64_t{1} << length) : 0;
        at -= length;
        next = links_[last].shorter;
        chain.pop_back();
        last = chain.empty() ? no_piece : static_cast<piece_number>(chain.back().id);
      } else {
        next = links_[next].shorter;
      }
    }
    const std::uint16_t length = links_[next].length;
    chain.push_back({next, static_cast<std::uint32_t>(at)});
    at += length;
    dead = length < 64 ? dead >> length : 0;
    last = next;
  }
  for (step& s : chain) s.id = tokens_[static_cast<std::size_t>(s.id)];
  return true;
}

DNALM_END_NAMESPACE
