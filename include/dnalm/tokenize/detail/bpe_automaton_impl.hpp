// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of tokenize/bpe_automaton.hpp.
#pragma once

#include <algorithm>
#include <bit>

#include <dnalm/tokenize/bpe_automaton.hpp>
#include <dnalm/tokenize/detail/packed_bases.hpp>

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

/// Letters in four classes, the four that begin most tokens apart; a class is the place of its bits in an
/// edge.
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
  for (std::size_t place = 0; place < 256; ++place) {
    classes[order[place]] = static_cast<std::uint8_t>(32 + 8 * (place & 3));
  }
  return classes;
}

}  // namespace detail

DNALM_INLINE bpe_automaton::bpe_automaton(const std::vector<std::string>& tokens,
                                          const std::vector<bpe_definition::merge>& merges) {
  if (merges.empty() || merges.size() >= never || !detail::made_before_taken(tokens, merges)) return;
  find_pieces(tokens, merges);
  remember_early_pairs(tokens);
  if (!make_trie(tokens)) trie_.clear();
}

/// Notes in an edge that a merge takes the piece across a border to the letter `across`.
DNALM_INLINE void bpe_automaton::take_from(std::size_t at, char across, std::uint32_t time) {
  const unsigned place = classes_[static_cast<unsigned char>(across)];
  const edge earlier = std::min<edge>((edges_[at] >> place) & 0xFF, coarse(time));
  edges_[at] = (edges_[at] & ~(edge{0xFF} << place)) | (earlier << place);
}

/// `before` ends the left piece, `behind` begins the right one.
DNALM_INLINE void bpe_automaton::add_merge(piece_number left, piece_number right, std::uint32_t time,
                                           char before, char behind) {
  const std::uint32_t pair = hash(left, right);
  std::size_t at = pair >> hash_shift_;
  while (merges_[at].time != 0) at = (at + 1) & (merges_.size() - 1);
  merges_[at] = {static_cast<std::uint16_t>(pair), static_cast<time_type>(time)};
  hashes_[time] = pair;
  take_from(2 * std::size_t{left}, behind, time);
  take_from(2 * std::size_t{right} + 1, before, time);
}

/// Time at which two pieces are merged, `never` when they are not.
DNALM_INLINE std::uint32_t bpe_automaton::time_of(piece_number left, piece_number right) const {
  const std::uint32_t pair = hash(left, right);
  for (std::size_t at = pair >> hash_shift_;; at = (at + 1) & (merges_.size() - 1)) {
    const merge_slot slot = merges_[at];
    if (slot.time == 0) return never;
    if (slot.tag == static_cast<std::uint16_t>(pair) && hashes_[slot.time] == pair) return slot.time;
  }
}

/// Whether B(u v) = u, v; `before` ends u, `behind` begins v. A merge of u and v themselves counts up to
/// the time `limit` (the last: always; 0: never).
///
/// Back in time from u and v complete: x on the right edge of u lives from the merge that made it to the one
/// that took it, y on the left edge of v likewise; x and y are merged when the time of that merge lies in
/// both lives, that is at the time or before the time (`limit`) at which the younger of the lives ended. A
/// merge inside v that takes y has the time of the pair only if it is the same pair further right, which
/// comes later; one inside u is further left and comes first.
DNALM_INLINE bool bpe_automaton::edges_stay_apart(piece_number u, piece_number v, char before, char behind,
                                                  std::uint32_t limit) const {
  const edge* edges = edges_.data();
  const unsigned u_place = classes_[static_cast<unsigned char>(behind)];
  const unsigned v_place = classes_[static_cast<unsigned char>(before)];
  edge x = edges[2 * std::size_t{u}];
  edge y = edges[2 * std::size_t{v} + 1];
  for (;;) {
    const auto first = static_cast<std::uint32_t>(std::max((x >> u_place) & 0xFF, (y >> v_place) & 0xFF));
    if (first <= coarse(limit) && time_of(u, v) <= limit) return false;
    if ((u | v) < early_) return early_apart_[std::size_t{early_pieces} * u + v];
    const auto x_made = static_cast<std::uint32_t>((x >> 16) & 0xFFFF);
    const auto y_made = static_cast<std::uint32_t>((y >> 16) & 0xFFFF);
    if ((x_made | y_made) == 0) return true;
    const bool back_in_u = x_made > y_made;
    const auto part = static_cast<piece_number>(back_in_u ? x : y);
    const edge older = edges[2 * std::size_t{part} + (back_in_u ? 0 : 1)];
    limit = back_in_u ? x_made - 1 : y_made;
    u = back_in_u ? part : u;
    v = back_in_u ? v : part;
    x = back_in_u ? older : x;
    y = back_in_u ? y : older;
  }
}

/// The tokens that merging can leave: letters, and what two such tokens make when nothing joins their edges
/// before.
DNALM_INLINE void bpe_automaton::find_pieces(const std::vector<std::string>& tokens,
                                             const std::vector<bpe_definition::merge>& merges) {
  const std::uint32_t slots =
      std::bit_ceil(static_cast<std::uint32_t>(std::max<std::size_t>(2, 2 * merges.size())));
  merges_.assign(slots, {});
  hashes_.assign(merges.size() + 1, 0);
  hash_shift_ = 32 - std::countr_zero(slots);
  last_time_ = static_cast<std::uint32_t>(merges.size());
  while (coarse(last_time_) >= 0xFF) ++coarse_shift_;
  classes_ = detail::letter_classes(tokens, merges);
  std::vector<std::int32_t> numbers(tokens.size(), -1);
  const auto add = [&](std::int32_t id, edge right_side, edge left_side) {
    if (numbers[static_cast<std::size_t>(id)] >= 0) return;
    numbers[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(tokens_.size());
    edges_.push_back(right_side);
    edges_.push_back(left_side);
    tokens_.push_back(id);
  };
  for (const bpe_definition::merge& merge : merges) {
    for (const std::int32_t id : {merge.left, merge.right}) {
      const std::string& text = tokens[static_cast<std::size_t>(id)];
      if (text.size() != 1) continue;
      letters_[static_cast<unsigned char>(text[0])] = 0;
      add(id, letter_edge, letter_edge);
    }
  }
  for (std::size_t rank = 0; rank < merges.size() && tokens_.size() < no_piece; ++rank) {
    const auto left = static_cast<std::size_t>(merges[rank].left);
    const auto right = static_cast<std::size_t>(merges[rank].right);
    if (numbers[left] < 0 || numbers[right] < 0) continue;
    const auto time = static_cast<std::uint32_t>(rank + 1);
    const auto u = static_cast<piece_number>(numbers[left]);
    const auto v = static_cast<piece_number>(numbers[right]);
    const char before = tokens[left].back();
    const char behind = tokens[right].front();
    const bool stays = edges_stay_apart(u, v, before, behind, 0);
    add_merge(u, v, time, before, behind);
    if (stays) add(merges[rank].result, letter_edge | (time << 16) | v, letter_edge | (time << 16) | u);
  }
}

/// The two parts that a search has come to are soon early ones: of these a table keeps the rest of the
/// search. It is filled in steps, each with the help of the ones before.
DNALM_INLINE void bpe_automaton::remember_early_pairs(const std::vector<std::string>& tokens) {
  const std::size_t count = std::min<std::size_t>(early_pieces, tokens_.size());
  early_apart_.assign(std::size_t{early_pieces} * early_pieces, false);
  const auto text = [&](std::size_t piece) -> const std::string& {
    return tokens[static_cast<std::size_t>(tokens_[piece])];
  };
  for (std::size_t done = 0; done < early_pieces; done = early_) {
    const std::size_t next = std::max<std::size_t>(16, 2 * done);
    for (std::size_t u = 0; u < std::min(next, count); ++u) {
      for (std::size_t v = u < done ? done : 0; v < std::min(next, count); ++v) {
        early_apart_[early_pieces * u + v] = edges_stay_apart(
            static_cast<piece_number>(u), static_cast<piece_number>(v), text(u).back(), text(v).front(), 0);
      }
    }
    early_ = static_cast<piece_number>(next);
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

/// Nodes without children become a number in their parent: they are most of a trie, and the rest of it is
/// small enough to stay in the cache.
DNALM_INLINE void bpe_automaton::fold_leaves() {
  std::vector<std::int32_t> places(trie_.size() / stride_, 0);  // by node: its new place, or ~piece
  std::int32_t count = 0;
  const auto node_of = [&](std::size_t place) { return trie_.begin() + static_cast<std::ptrdiff_t>(place); };
  for (std::size_t node = 0; node < places.size(); ++node) {
    const auto begin = node_of(node * stride_);
    const auto is_child = [](std::int32_t entry) { return entry != 0; };
    const bool is_leaf = node > 0 && std::none_of(begin + 1, node_of((node + 1) * stride_), is_child);
    places[node] = is_leaf ? ~*begin : count;
    if (!is_leaf) count += static_cast<std::int32_t>(stride_);
  }
  for (std::size_t node = 0; node < places.size(); ++node) {
    if (places[node] < 0) continue;
    const auto to = static_cast<std::size_t>(places[node]);  // never behind the node
    trie_[to] = trie_[node * stride_];
    for (std::size_t i = 1; i < stride_; ++i) {
      const auto child = static_cast<std::size_t>(trie_[node * stride_ + i]);
      trie_[to + i] = child == 0 ? 0 : places[child / stride_];
    }
  }
  trie_.resize(static_cast<std::size_t>(count));
  trie_.shrink_to_fit();
}

/// Short pieces first, so that each finds its longest prefix on the way. False when the trie gets too large.
DNALM_INLINE bool bpe_automaton::make_trie(const std::vector<std::string>& tokens) {
  if (tokens_.size() >= no_piece) return false;
  std::int16_t count = 0;
  for (std::int16_t& letter : letters_) {
    if (letter >= 0) letter = count++;
  }
  stride_ = static_cast<std::size_t>(count) + 1;
  std::vector<piece_number> order;
  for (std::size_t number = 0; number < tokens_.size(); ++number) {
    order.push_back(static_cast<piece_number>(number));
  }
  const auto text = [&](piece_number number) -> const std::string& {
    return tokens[static_cast<std::size_t>(tokens_[number])];
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](piece_number a, piece_number b) { return text(a).size() < text(b).size(); });
  links_.assign(tokens_.size(), {});
  trie_.assign(stride_, 0);
  trie_[0] = no_piece;
  for (const piece_number number : order) {
    if (!insert(text(number), number)) return false;
  }
  fold_leaves();
  fill_starts();
  return true;
}

/// Where the walks from the root are after the first letters; ~piece where they have ended.
DNALM_INLINE void bpe_automaton::fill_starts() {
  constexpr std::string_view by_code = "ACTG";
  starts_.resize(std::size_t{1} << (2 * start_letters));
  for (std::size_t word = 0; word < starts_.size(); ++word) {
    std::int32_t entry = 0;
    for (std::size_t i = 0; i < start_letters && entry >= 0; ++i) {
      const std::int16_t letter = letters_[static_cast<unsigned char>(by_code[(word >> (2 * i)) & 3])];
      const auto node = static_cast<std::size_t>(entry);
      const std::int32_t next = letter < 0 ? 0 : trie_[node + 1 + static_cast<std::size_t>(letter)];
      entry = next != 0 ? next : ~trie_[node];
    }
    starts_[word] = entry;
  }
}

DNALM_INLINE bpe_automaton::piece_number bpe_automaton::longest_piece(std::string_view word,
                                                                      std::size_t at) const {
  const std::int32_t* trie = trie_.data();
  std::size_t node = 0;
  if (word.size() - at >= 8) {
    const std::uint64_t letters = detail::load_letters(word.data() + at);
    if (detail::foreign_letters(letters) == 0) {
      const std::int32_t start = starts_[detail::pack_bases(letters) & (starts_.size() - 1)];
      if (start < 0) return static_cast<piece_number>(~start);
      node = static_cast<std::size_t>(start);
      at += start_letters;
    }
  }
  for (; at < word.size(); ++at) {
    const auto letter = static_cast<std::size_t>(letters_[static_cast<unsigned char>(word[at])]);
    const std::int32_t next = trie[node + 1 + letter];
    if (next < 0) return static_cast<piece_number>(~next);
    if (next == 0) break;
    node = static_cast<std::size_t>(next);
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
    return last == no_piece || edges_stay_apart(last, next, word[at - 1], word[at], last_time_);
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
