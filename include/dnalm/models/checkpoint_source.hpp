// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Weights from a checkpoint, checked against the plan before anything is read.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/models/weight_source.hpp>

DNALM_BEGIN_NAMESPACE

/// How a checkpoint differs from a plan.
struct plan_differences {
  std::vector<planned_tensor> missing = {};
  std::vector<io::tensor_info> surplus = {};
  struct shape_difference {
    io::tensor_info found = {};
    planned_tensor planned = {};
  };
  std::vector<shape_difference> shapes = {};

  [[nodiscard]] bool empty() const { return missing.empty() && surplus.empty() && shapes.empty(); }
};

/// Compares names and shapes. A name counts as planned without a `module.` (DataParallel) or `encoder.`,
/// `encoder.sentence_encoder.` (fairseq) before it, and with `gamma` and `beta` for `weight` and `bias`, and
/// HyenaDNA's as plan_tensors(hyena_config) says. What trainers keep beside a network is no surplus. Cost:
/// a sorted lookup per tensor.
[[nodiscard]] plan_differences compare_with_plan(const std::vector<planned_tensor>& plan,
                                                 const io::checkpoint& weights);

/// Weights of an opened checkpoint.
class checkpoint_source final : public weight_source {
 public:
  /// `where` names the folder. \throws error [dnalm.config.410] missing tensors, [dnalm.config.411] surplus
  /// ones, [dnalm.shape.412] other shapes, [dnalm.config.413] tied tensors that differ.
  checkpoint_source(io::checkpoint weights, const std::vector<planned_tensor>& plan,
                    const std::string& where);

  [[nodiscard]] bool contains(const planned_tensor& tensor) const override;
  /// \throws error [dnalm.numeric.415] NaN or infinity (names tensor and index), [dnalm.unsupported.120]
  /// 8-bit floats.
  void read(const planned_tensor& tensor, std::span<float> out) const override;
  void read(const planned_tensor& tensor, std::span<double> out) const override;
  /// Of mapped files, F32 and row-major. \throws as read.
  [[nodiscard]] std::span<const float> lend(const planned_tensor& tensor) const override;
  void release(const planned_tensor& tensor) const override;
  [[nodiscard]] any_pack_store* packs() const override { return packs_; }
  /// Matrices will be looked for in `store`, which must outlive this object; null: no longer.
  void keep_packs(any_pack_store* store) { packs_ = store; }

 private:
  [[nodiscard]] const std::string& name_in_file(const planned_tensor& tensor) const;

  io::checkpoint weights_;
  std::map<std::string, std::string> in_file_;  // where the file wraps a planned name
  any_pack_store* packs_ = nullptr;
};

DNALM_END_NAMESPACE

#if DNALM_WITH_BODIES
#include <dnalm/models/detail/checkpoint_source_impl.hpp>
#endif
