// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Reads the structure of a Python pickle and executes nothing.
///
/// A pickle is a program for a small stack machine that can call any Python function. Here a call is only
/// written down (`pickle_kind::call`: which global, which arguments); whoever interprets the result decides
/// which few names mean something (torch_checkpoint.hpp). Source: Python's documentation of `pickletools`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE
namespace io {

enum class pickle_kind {
  none,
  boolean,     ///< integer: 0 or 1
  integer,     ///< integer
  long_text,   ///< an integer beyond 64 bits; text: its little-endian bytes
  real,        ///< real
  text,        ///< text: UTF-8, or bytes of a Python 2 string
  bytes,       ///< text: the bytes
  list,        ///< items
  tuple,       ///< items
  set,         ///< items
  dict,        ///< pairs: key, value, key, value, ...
  global,      ///< text: `module name`, never looked up
  persistent,  ///< items[0]: the persistent id
  call         ///< items: callable, arguments; pairs, list: what was put into the object; state
};

/// Number of a node.
using pickle_ref = std::uint32_t;

/// One object. Objects may share parts and even contain themselves, as in Python.
struct pickle_node {
  pickle_kind kind = pickle_kind::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string text = {};
  std::vector<pickle_ref> items = {};
  std::vector<pickle_ref> pairs = {};
  std::vector<pickle_ref> appended = {};  ///< elements appended to a call's object
  std::vector<pickle_ref> state = {};     ///< what BUILD gave to the object (at most one per BUILD)
};

/// What is read before a pickle is refused.
struct pickle_limits {
  index_t bytes = index_t{256} << 20;
  index_t nodes = 4'000'000;
  index_t memo = 4'000'000;
  index_t global_name = 4096;  ///< letters of a global's module and name
};

/// All objects of a pickle and which one is the result.
struct pickle_graph {
  std::vector<pickle_node> nodes = {};
  pickle_ref root = 0;

  [[nodiscard]] const pickle_node& at(pickle_ref ref) const { return nodes[ref]; }
};

/// Reads protocols 2 to 5. `where` names the pickle in errors.
/// \throws error [dnalm.format.265] cut, [dnalm.unsupported.266] an opcode or protocol that is not read,
/// [dnalm.format.267] stack or memo misused, [dnalm.format.268] a limit.
[[nodiscard]] pickle_graph parse_pickle(std::span<const std::byte> bytes, const std::string& where,
                                        const pickle_limits& limits = {});

}  // namespace io
DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/io/detail/pickle_impl.hpp>
#endif
