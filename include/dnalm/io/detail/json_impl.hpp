// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of json.hpp.
#pragma once

#include <algorithm>
#include <vector>

#include <dnalm/core/error.hpp>
#include <dnalm/io/detail/messages.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/mapped_file.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// `where, line 3, column 7` for a byte offset. Cost: one pass over the text before it.
[[nodiscard]] inline std::string text_position(std::string_view text, const std::string& where,
                                               std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1);
  return where + ", line " + std::to_string(line) + ", column " +
         std::to_string(std::max<std::size_t>(column, 1));
}

/// Receives the parser's events and builds the document within the limits.
///
/// `open_` points to the containers that are being filled; a container gets no sibling while it is open, so
/// the pointers stay valid.
class json_builder {
 public:
  json_builder(std::string_view text, const std::string& where, const json_limits& limits)
      : text_(text), where_(where), limits_(limits) {}

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(json::number_integer_t value) { return put(value); }
  bool number_unsigned(json::number_unsigned_t value) { return put(value); }
  bool number_float(json::number_float_t value, const json::string_t&) { return put(value); }
  bool string(json::string_t& value) { return put(std::move(value)); }
  bool binary(json::binary_t&) { return false; }
  bool start_object(std::size_t) { return start(json::object()); }
  bool start_array(std::size_t) { return start(json::array()); }
  bool end_object() { return finish(); }
  bool end_array() { return finish(); }

  bool key(json::string_t& name) {
    if (limits_.duplicates == duplicate_keys::reject && open_.back()->contains(name)) {
      throw error(error_kind::format, 228, "a JSON object names a key twice",
                  {.where = path(), .found = "key '" + excerpt(name) + "'"});
    }
    keys_.back() = std::move(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const json::exception& failure) {
    const std::string_view message = failure.what();
    const bool encoding = message.find("UTF-8") != std::string_view::npos;
    throw error(error_kind::format, 226, encoding ? "JSON text is not valid UTF-8" : "not valid JSON",
                {.where = text_position(text_, where_, position), .found = "'" + excerpt(token) + "'"});
  }

  [[nodiscard]] json take() { return std::move(root_); }

 private:
  template <class Value>
  bool put(Value&& value) {
    place(json(std::forward<Value>(value)));
    return true;
  }

  json* place(json&& value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    json& child = parent[keys_.back()];
    child = std::move(value);
    return &child;
  }

  bool start(json&& container) {
    if (static_cast<int>(open_.size()) >= limits_.depth) {
      throw error(error_kind::format, 227, "JSON is nested too deeply",
                  {.where = where_, .expected = "at most " + std::to_string(limits_.depth) + " levels"});
    }
    open_.push_back(place(std::move(container)));
    keys_.emplace_back();
    return true;
  }

  bool finish() {
    open_.pop_back();
    keys_.pop_back();
    return true;
  }

  /// Where the open container stands, by its keys.
  [[nodiscard]] std::string path() const {
    std::string text = where_;
    for (const std::string& name : keys_) {
      if (&name != &keys_.back()) text += " > " + (name.empty() ? std::string("[]") : excerpt(name));
    }
    return text;
  }

  std::string_view text_;
  const std::string& where_;
  const json_limits& limits_;
  json root_;
  std::vector<json*> open_;
  std::vector<std::string> keys_;
};

}  // namespace detail

DNALM_INLINE json parse_json(std::string_view text, const std::string& where, const json_limits& limits) {
  if (static_cast<index_t>(text.size()) > limits.bytes) {
    throw error(error_kind::format, 229, "JSON text is too long",
                {.where = where,
                 .expected = "at most " + std::to_string(limits.bytes) + " bytes",
                 .found = std::to_string(text.size()) + " bytes"});
  }
  detail::json_builder builder(text, where, limits);
  json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

DNALM_INLINE json read_json_file(const std::filesystem::path& path, const json_limits& limits) {
  const mapped_file file(path, file_access::buffered);  // small, and others may be writing it
  const auto bytes = file.place(0, file.size());
  if (static_cast<index_t>(bytes.size()) <= limits.bytes) file.load(bytes);  // else refused unread
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string(), limits);
}

}  // namespace io
DNALM_END_NAMESPACE
