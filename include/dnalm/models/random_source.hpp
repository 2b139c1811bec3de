// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Random weights for a configuration: what a model of that shape knows without training.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include <dnalm/core/philox.hpp>
#include <dnalm/core/platform.hpp>
#include <dnalm/models/weight_source.hpp>

DNALM_BEGIN_NAMESPACE

/// Matrices and tables normal(0, deviation) from philox(seed, hash_name(tensor name)), rounded to float;
/// biases 0; LayerNorm weights 1. A tensor's numbers depend on seed, name and size only.
class random_source final : public weight_source {
 public:
  random_source(std::uint64_t seed, double deviation) : seed_(seed), deviation_(deviation) {}

  [[nodiscard]] bool contains(const planned_tensor& tensor) const override { return tensor.required; }
  void read(const planned_tensor& tensor, std::span<float> out) const override { fill(tensor, out); }
  void read(const planned_tensor& tensor, std::span<double> out) const override { fill(tensor, out); }

 private:
  template <class T>
  void fill(const planned_tensor& tensor, std::span<T> out) const {
    if (tensor.kind != tensor_kind::matrix) {
      std::fill(out.begin(), out.end(), tensor.kind == tensor_kind::norm_weight ? T(1) : T(0));
      return;
    }
    philox random(seed_, hash_name(tensor.name));
    for (T& value : out) value = static_cast<T>(static_cast<float>(deviation_ * random.normal()));
  }

  std::uint64_t seed_;
  double deviation_;
};

DNALM_END_NAMESPACE
