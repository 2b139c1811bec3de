// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Where the models of a program run: what `--device`, `--gpu-mode` and `--precision` say to
/// load_model.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <dnalm/models/load_model.hpp>
#include <dnalm/probe/ridge_accumulator.hpp>
#if DNALM_PROGRAM_CUDA
#include <dnalm/models/on_cuda.hpp>
#include <dnalm/probe/ridge_on_cuda.hpp>
#endif

#include <support/options.hpp>

namespace program {

#if DNALM_PROGRAM_CUDA
/// Of a device that check_common has let pass.
[[nodiscard]] inline dnalm::cuda_options gpu_of(const common_options& common) {
  dnalm::cuda_options where;
  where.deterministic = common.gpu_mode == "deterministic";
  if (common.device.size() > 5) where.device = std::stoi(common.device.substr(5));
  if (common.precision == "bf16") where.precision = dnalm::cuda_precision::bf16;
  return where;
}
#endif

/// For the manifest: `cpu`, `cuda:0`, `cuda, fast`.
[[nodiscard]] inline std::string device_text(const common_options& common) {
  const bool fast = names_gpu(common.device) && common.gpu_mode == "fast";
  return common.device + (fast ? ", fast" : "");
}

/// `options` with the weights and the device that were asked for. \throws on a GPU as dnalm::on_cuda.
[[nodiscard]] inline dnalm::load_options on_device(const common_options& common,
                                                   dnalm::load_options options) {
  options.weights = common.weights();
  options.threads = common.threads;
#if DNALM_PROGRAM_CUDA
  if (names_gpu(common.device)) return dnalm::on_cuda(gpu_of(common), std::move(options));
#endif
  return options;
}

/// Who gathers the statistics of ridge probes: null, which is the CPU, without a GPU in `--device`.
[[nodiscard]] inline std::shared_ptr<const dnalm::ridge_accumulator_maker> statistics_on_device(
    [[maybe_unused]] const common_options& common) {
#if DNALM_PROGRAM_CUDA
  if (names_gpu(common.device)) {
    return std::make_shared<const dnalm::cuda_ridge_maker>(gpu_of(common).device);
  }
#endif
  return nullptr;
}

}  // namespace program
