// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What copies of a cuda_backend share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/cuda/cuda_options.hpp>
#include <dnalm/cuda/detail/device_memory.hpp>
#include <dnalm/cuda/detail/upload_cache.hpp>
#include <dnalm/cuda/detail/work_stream.hpp>
#include <dnalm/cuda/products.hpp>
#include <dnalm/cuda/rotary.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/cuda/views.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// A host array's copy on the GPU, there at least as long as this object.
template <class T>
struct uploaded {
  shared_bytes held = {};
  device_vector<const T> view = {};
};
struct uploaded_table {
  shared_bytes cosine = {};  ///< of a table with an identity both
  shared_bytes sine = {};
  device_rotary_table table = {};
};

/// \throws error [dnalm.usage.616]
[[nodiscard]] inline const cuda_options& checked(const cuda_options& options) {
  if (options.block_rows >= 1 && options.memory_limit >= 0) return options;
  throw error(error_kind::usage, 616, "options of the GPU that make no sense",
              {.expected = "block_rows of at least 1, a memory_limit of at least 0",
               .found = std::to_string(options.block_rows) + " and " + std::to_string(options.memory_limit)});
}

struct cuda_state {
  explicit cuda_state(const cuda_options& asked)
      : options(checked(asked)),
        device(cuda_find_device(options.device)),
        memory(std::make_shared<device_memory>(device.number, options.memory_limit)),
        order(device.number, memory->stream()),
        products(memory, order, options.precision, options.block_rows, options.deterministic),
        arrays(memory, order.main(), most_array_bytes),
        tables(memory, order.main(), most_table_bytes) {}

  template <class T>
  [[nodiscard]] uploaded<T> find(std::span<const T> values) {
    if (values.empty()) return {};
    uploaded<T> result{arrays.find(std::as_bytes(values)), {}};
    order.keep(result.held);
    result.view = {reinterpret_cast<const T*>(result.held->data()), static_cast<index_t>(values.size())};
    return result;
  }
  /// A table with at least one pair.
  [[nodiscard]] uploaded_table find(const rotary_table<float>& table) {
    const std::span<const float> cosine(table.cosine.data(), numbers_of(table));
    const std::span<const float> sine(table.sine.data(), numbers_of(table));
    if (table.identity == 0) {
      const uploaded<float> c = find(cosine);
      const uploaded<float> s = find(sine);
      return {c.held, s.held, {c.view, s.view, table.pairs()}};
    }
    const shared_bytes both = tables.find(table.identity, std::as_bytes(cosine), std::as_bytes(sine));
    order.keep(both);
    const auto* data = reinterpret_cast<const float*>(both->data());
    const auto count = static_cast<index_t>(cosine.size());
    return {both, {}, {{data, count}, {data + count, count}, table.pairs()}};
  }

  static constexpr index_t most_array_bytes = index_t{64} << 20;
  static constexpr index_t most_table_bytes = index_t{256} << 20;

  cuda_options options;
  cuda_device device;
  std::shared_ptr<device_memory> memory;
  work_stream order;
  cuda_products products;
  upload_cache arrays;
  upload_cache tables;

 private:
  [[nodiscard]] static std::size_t numbers_of(const rotary_table<float>& table) {
    return static_cast<std::size_t>(table.positions() * table.pairs());
  }
};

}  // namespace detail
DNALM_END_NAMESPACE
