// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief A place that keeps packed weights from one load to the next, whatever the backend packs.
#pragma once

#include <functional>
#include <string>

#include <dnalm/core/platform.hpp>
#include <dnalm/core/types.hpp>

DNALM_BEGIN_NAMESPACE

/// A pack_store of some backend's weights.
class any_pack_store {
 public:
  any_pack_store() = default;
  any_pack_store(const any_pack_store&) = delete;
  any_pack_store& operator=(const any_pack_store&) = delete;
  virtual ~any_pack_store() = default;
};

/// Keeps weights of one type. May be called from several threads.
template <class Weight>
class pack_store : public any_pack_store {
 public:
  /// The kept weight (outputs, inputs) of a name; else what `pack` makes.
  [[nodiscard]] virtual Weight find_or_pack(const std::string& name, index_t outputs, index_t inputs,
                                            bool gated, const std::function<Weight()>& pack) = 0;
};

DNALM_END_NAMESPACE
