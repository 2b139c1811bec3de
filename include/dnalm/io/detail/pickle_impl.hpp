// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of pickle.hpp.
#pragma once

#include <bit>
#include <initializer_list>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/pickle.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// The pickle machine: a stack of objects, a stack of marks, a memo. Objects are only recorded.
class pickle_machine {
 public:
  pickle_machine(std::span<const std::byte> bytes, const std::string& where, const pickle_limits& limits)
      : bytes_(bytes), where_(where), limits_(limits) {}

  [[nodiscard]] pickle_graph run() {
    if (static_cast<index_t>(bytes_.size()) > limits_.bytes) fail_limit("bytes", limits_.bytes);
    while (!stopped_) step(static_cast<char>(take(1)[0]));
    graph_.root = pop();
    return std::move(graph_);
  }

 private:
  // What the opcodes mean, in the order of Python's documentation.
  void step(char opcode) {
    if (!step_value(opcode) && !step_container(opcode) && !step_object(opcode) && !step_memo(opcode)) {
      throw error(error_kind::unsupported, 266, "a pickle uses an opcode that is not read",
                  {.where = here(),
                   .expected = "protocol 2 to 5 without extension registry",
                   .found = "opcode " + std::to_string(static_cast<unsigned char>(opcode))});
    }
  }

  bool step_value(char opcode) {
    switch (opcode) {
      case 'N': push({.kind = pickle_kind::none}); return true;
      case '\x88': push({.kind = pickle_kind::boolean, .integer = 1}); return true;
      case '\x89': push({.kind = pickle_kind::boolean, .integer = 0}); return true;
      case 'J': push_integer(static_cast<std::int32_t>(static_cast<std::uint32_t>(number(4)))); return true;
      case 'K': push_integer(static_cast<std::int64_t>(number(1))); return true;
      case 'M': push_integer(static_cast<std::int64_t>(number(2))); return true;
      case '\x8a': push_long(text(number(1))); return true;
      case '\x8b': push_long(text(number(4))); return true;
      case 'G': push({.kind = pickle_kind::real, .real = big_endian_double()}); return true;
      case 'X': push_text(pickle_kind::text, number(4)); return true;
      case '\x8c': push_text(pickle_kind::text, number(1)); return true;
      case '\x8d': push_text(pickle_kind::text, number(8)); return true;
      case 'T': push_text(pickle_kind::text, number(4)); return true;
      case 'U': push_text(pickle_kind::text, number(1)); return true;
      case 'B': push_text(pickle_kind::bytes, number(4)); return true;
      case 'C': push_text(pickle_kind::bytes, number(1)); return true;
      case '\x8e': push_text(pickle_kind::bytes, number(8)); return true;
      case '\x96': push_text(pickle_kind::bytes, number(8)); return true;
      default: return false;
    }
  }

  bool step_container(char opcode) {
    switch (opcode) {
      case '(': push_mark(); return true;
      case ']': push({.kind = pickle_kind::list}); return true;
      case 'l': push({.kind = pickle_kind::list, .items = pop_to_mark()}); return true;
      case 'a': append({pop()}); return true;
      case 'e': append(pop_to_mark()); return true;
      case ')': push({.kind = pickle_kind::tuple}); return true;
      case 't': push({.kind = pickle_kind::tuple, .items = pop_to_mark()}); return true;
      case '\x85': push({.kind = pickle_kind::tuple, .items = pop_many(1)}); return true;
      case '\x86': push({.kind = pickle_kind::tuple, .items = pop_many(2)}); return true;
      case '\x87': push({.kind = pickle_kind::tuple, .items = pop_many(3)}); return true;
      case '}': push({.kind = pickle_kind::dict}); return true;
      case 'd': push({.kind = pickle_kind::dict, .pairs = even(pop_to_mark())}); return true;
      case 's': set_items(pop_many(2)); return true;
      case 'u': set_items(even(pop_to_mark())); return true;
      case '\x8f': push({.kind = pickle_kind::set}); return true;
      case '\x90': append(pop_to_mark()); return true;
      case '\x91': push({.kind = pickle_kind::set, .items = pop_to_mark()}); return true;
      case '0': drop(); return true;
      case '1': (void)pop_to_mark(); return true;
      case '2': push_again(top()); return true;
      default: return false;
    }
  }

  /// Globals, calls and states are written down, never looked up or executed.
  bool step_object(char opcode) {
    switch (opcode) {
      case 'c': line_global(); return true;
      case '\x93': stack_global(); return true;
      case 'Q': push({.kind = pickle_kind::persistent, .items = {pop()}}); return true;
      case 'R':
      case '\x81': push({.kind = pickle_kind::call, .items = pop_many(2)}); return true;
      case '\x92': push({.kind = pickle_kind::call, .items = pop_many(3)}); return true;
      case 'b': build(); return true;
      case '.': stopped_ = true; return true;
      default: return false;
    }
  }

  bool step_memo(char opcode) {
    switch (opcode) {
      case 'h': get(number(1)); return true;
      case 'j': get(number(4)); return true;
      case 'q': put(number(1)); return true;
      case 'r': put(number(4)); return true;
      case '\x94': put(memo_.size()); return true;
      case '\x80': check_protocol(number(1)); return true;
      case '\x95': check_frame(number(8)); return true;
      default: return false;
    }
  }

  // Reading.
  [[nodiscard]] std::span<const std::byte> take(std::uint64_t count) {
    if (count > bytes_.size() - position_) {
      throw error(error_kind::format, 265, "a pickle is cut",
                  {.where = here(),
                   .expected = std::to_string(count) + " more bytes",
                   .found = std::to_string(bytes_.size() - position_)});
    }
    const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += static_cast<std::size_t>(count);
    return taken;
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t width) {
    const auto bytes = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
      value = value << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    return value;
  }
  [[nodiscard]] double big_endian_double() {
    std::uint64_t value = 0;
    for (const std::byte byte : take(8)) value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return std::bit_cast<double>(value);
  }
  [[nodiscard]] std::string text(std::uint64_t size) {
    const auto bytes = take(size);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  [[nodiscard]] std::string line() {
    std::string read;
    for (auto letter = static_cast<char>(take(1)[0]); letter != '\n';
         letter = static_cast<char>(take(1)[0])) {
      read += letter;
    }
    return read;
  }

  // The stack. Objects below the last mark are out of reach, as in Python.
  void push(pickle_node&& node) {
    if (static_cast<index_t>(graph_.nodes.size()) >= limits_.nodes) fail_limit("objects", limits_.nodes);
    stack_.push_back(static_cast<pickle_ref>(graph_.nodes.size()));
    graph_.nodes.push_back(std::move(node));
  }
  /// An object that is there already; a byte of the pickle may put it on the stack, so the stack has a limit
  /// too.
  void push_again(pickle_ref ref) {
    if (static_cast<index_t>(stack_.size()) >= limits_.nodes)
      fail_limit("objects on the stack", limits_.nodes);
    stack_.push_back(ref);
  }
  void push_mark() {
    if (static_cast<index_t>(marks_.size()) >= limits_.nodes) fail_limit("marks", limits_.nodes);
    marks_.push_back(stack_.size());
  }
  void push_integer(std::int64_t value) { push({.kind = pickle_kind::integer, .integer = value}); }
  void push_text(pickle_kind kind, std::uint64_t size) { push({.kind = kind, .text = text(size)}); }
  /// Two's complement, little-endian.
  void push_long(std::string digits) {
    if (digits.size() > 8) {
      push({.kind = pickle_kind::long_text, .text = std::move(digits)});
      return;
    }
    const bool negative = !digits.empty() && (static_cast<unsigned char>(digits.back()) & 0x80U) != 0;
    std::uint64_t value = negative ? ~std::uint64_t{0} : 0;
    for (std::size_t i = digits.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[i]);
    push_integer(static_cast<std::int64_t>(value));
  }
  /// Names are copied at each use of a memoised text, so a long one could be multiplied: they are short or
  /// refused.
  void push_global(std::string_view module, std::string_view name) {
    if (static_cast<index_t>(module.size() + name.size()) > limits_.global_name) {
      fail_limit("letters of a global's name", limits_.global_name);
    }
    push({.kind = pickle_kind::global, .text = std::string(module).append(" ").append(name)});
  }
  [[nodiscard]] std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  [[nodiscard]] pickle_ref top() const {
    if (stack_.size() <= floor()) fail_stack("an object is missing on the stack");
    return stack_.back();
  }
  pickle_ref pop() {
    const pickle_ref popped = top();
    stack_.pop_back();
    return popped;
  }
  void drop() {
    if (stack_.size() == floor() && !marks_.empty()) {
      marks_.pop_back();
    } else {
      (void)pop();
    }
  }
  [[nodiscard]] std::vector<pickle_ref> pop_many(std::size_t count) {
    if (stack_.size() < floor() + count) fail_stack("an object is missing on the stack");
    std::vector<pickle_ref> popped(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return popped;
  }
  [[nodiscard]] std::vector<pickle_ref> pop_to_mark() {
    if (marks_.empty()) fail_stack("a mark is missing");
    auto popped = pop_many(stack_.size() - floor());
    marks_.pop_back();
    return popped;
  }
  [[nodiscard]] std::vector<pickle_ref> even(std::vector<pickle_ref> pairs) const {
    if (pairs.size() % 2 != 0) fail_stack("a key without a value");
    return pairs;
  }

  // Objects.
  void append(const std::vector<pickle_ref>& elements) {
    pickle_node& target = graph_.nodes[top()];
    const bool collection = target.kind == pickle_kind::list || target.kind == pickle_kind::set;
    if (!collection && target.kind != pickle_kind::call) fail_stack("elements for what is no collection");
    auto& into = collection ? target.items : target.appended;
    into.insert(into.end(), elements.begin(), elements.end());
  }
  void set_items(const std::vector<pickle_ref>& pairs) {
    pickle_node& target = graph_.nodes[top()];
    if (target.kind != pickle_kind::dict && target.kind != pickle_kind::call) {
      fail_stack("items for what is no dictionary");
    }
    target.pairs.insert(target.pairs.end(), pairs.begin(), pairs.end());
  }
  void line_global() {
    const std::string module = line();
    push_global(module, line());
  }
  void stack_global() {
    const pickle_node& name = graph_.nodes[pop()];
    const pickle_node& module = graph_.nodes[pop()];
    if (name.kind != pickle_kind::text || module.kind != pickle_kind::text)
      fail_stack("a global without a name");
    push_global(module.text, name.text);
  }
  void build() {
    const pickle_ref state = pop();
    pickle_node& target = graph_.nodes[top()];
    if (target.kind != pickle_kind::call) fail_stack("a state for what is no object");
    target.state.push_back(state);
  }

  // The memo.
  void get(std::uint64_t slot) {
    const auto found = memo_.find(slot);
    if (found == memo_.end()) fail_stack("memo entry " + std::to_string(slot) + " is missing");
    push_again(found->second);
  }
  void put(std::uint64_t slot) {
    memo_[slot] = top();
    if (static_cast<index_t>(memo_.size()) > limits_.memo) fail_limit("memo entries", limits_.memo);
  }

  void check_protocol(std::uint64_t protocol) const {
    if (protocol >= 2 && protocol <= 5) return;
    throw error(error_kind::unsupported, 266, "a pickle protocol that is not read",
                {.where = here(), .expected = "2 to 5", .found = std::to_string(protocol)});
  }
  void check_frame(std::uint64_t size) const {
    if (size <= bytes_.size() - position_) return;
    throw error(error_kind::format, 265, "a pickle is cut",
                {.where = here(),
                 .expected = "a frame of " + std::to_string(size) + " bytes",
                 .found = std::to_string(bytes_.size() - position_)});
  }

  [[nodiscard]] std::string here() const { return where_ + ", byte " + std::to_string(position_); }
  [[noreturn]] void fail_stack(const std::string& problem) const {
    throw error(error_kind::format, 267, "a pickle is malformed: " + problem, {.where = here()});
  }
  [[noreturn]] void fail_limit(const std::string& what, index_t limit) const {
    throw error(error_kind::format, 268, "a pickle is too large",
                {.where = here(), .expected = "at most " + std::to_string(limit) + " " + what});
  }

  std::span<const std::byte> bytes_;
  const std::string& where_;
  pickle_limits limits_;
  std::size_t position_ = 0;
  bool stopped_ = false;
  pickle_graph graph_;
  std::vector<pickle_ref> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, pickle_ref> memo_;
};

}  // namespace detail

DNALM_INLINE pickle_graph parse_pickle(std::span<const std::byte> bytes, const std::string& where,
                                       const pickle_limits& limits) {
  return detail::pickle_machine(bytes, where, limits).run();
}

}  // namespace io
DNALM_END_NAMESPACE
