// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief The names of PyTorch's element and storage types.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/pickle.hpp>
#include <dnalm/tensor/dtype.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

namespace detail {

/// `name` of a global of one of the modules, as in `torch FloatStorage`; empty for other modules.
[[nodiscard]] inline std::string_view global_name(const pickle_node& node,
                                                  std::initializer_list<std::string_view> modules) {
  if (node.kind != pickle_kind::global) return {};
  const std::string_view text = node.text;
  const std::size_t space = text.find(' ');
  for (const std::string_view module : modules) {
    if (text.substr(0, space) == module) return text.substr(space + 1);
  }
  return {};
}

[[nodiscard]] inline std::optional<dtype> torch_storage_type(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, dtype>, 10> types = {{{"DoubleStorage", dtype::f64},
                                                                         {"FloatStorage", dtype::f32},
                                                                         {"HalfStorage", dtype::f16},
                                                                         {"BFloat16Storage", dtype::bf16},
                                                                         {"LongStorage", dtype::i64},
                                                                         {"IntStorage", dtype::i32},
                                                                         {"ShortStorage", dtype::i16},
                                                                         {"CharStorage", dtype::i8},
                                                                         {"ByteStorage", dtype::u8},
                                                                         {"BoolStorage", dtype::boolean}}};
  for (const auto& [text, type] : types) {
    if (text == name) return type;
  }
  return std::nullopt;
}

[[nodiscard]] inline std::optional<dtype> torch_dtype(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, dtype>, 15> types = {{{"float64", dtype::f64},
                                                                         {"float32", dtype::f32},
                                                                         {"float16", dtype::f16},
                                                                         {"bfloat16", dtype::bf16},
                                                                         {"int64", dtype::i64},
                                                                         {"int32", dtype::i32},
                                                                         {"int16", dtype::i16},
                                                                         {"int8", dtype::i8},
                                                                         {"uint64", dtype::u64},
                                                                         {"uint32", dtype::u32},
                                                                         {"uint16", dtype::u16},
                                                                         {"uint8", dtype::u8},
                                                                         {"bool", dtype::boolean},
                                                                         {"float8_e4m3fn", dtype::f8_e4m3},
                                                                         {"float8_e5m2", dtype::f8_e5m2}}};
  for (const auto& [text, type] : types) {
    if (text == name) return type;
  }
  return std::nullopt;
}

}  // namespace detail

}  // namespace io
DNALM_END_NAMESPACE
