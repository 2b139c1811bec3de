// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Names of a file that only wrap those of the plan: of DataParallel, of fairseq, of old BERT files,
/// of HyenaDNA.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/core/platform.hpp>
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/models/tensor_plan.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// HyenaDNA's name without the network's prefix, and without the `layer.` that checkpointing puts behind
/// `mixer.` and `mlp.`; empty when it is none.
[[nodiscard]] inline std::string plain_hyena_name(std::string name) {
  for (const std::string_view prefix : {"model.", "hyena."}) {
    if (name.starts_with(prefix)) name = name.substr(prefix.size());
  }
  if (!name.starts_with("backbone.") && name != "lm_head.weight") return {};
  for (const std::string_view part : {".mixer.layer.", ".mlp.layer."}) {
    constexpr std::size_t surplus = 6;  // "layer."
    const std::size_t at = name.find(part);
    if (at != std::string::npos) name.erase(at + part.size() - surplus, surplus);
  }
  return name;
}

/// What the files of a trainer hold beside the network: the counters of its metrics.
[[nodiscard]] inline bool is_beside_network(std::string_view name) {
  return name.find("torchmetrics") != std::string_view::npos;
}

/// What a name of a file may stand for: itself without `module.`, without fairseq's `encoder.`, with `weight`
/// and `bias` for `gamma` and `beta`, and as plain_hyena_name.
[[nodiscard]] inline std::vector<std::string> plain_names(std::string name) {
  constexpr std::string_view data_parallel = "module.";
  std::vector<std::string> found;
  if (name.starts_with(data_parallel)) found.push_back(name = name.substr(data_parallel.size()));
  for (const std::string_view wrapper : {"encoder.sentence_encoder.", "encoder.encoder.", "encoder."}) {
    if (name.starts_with(wrapper)) found.push_back(name.substr(wrapper.size()));
  }
  const auto renamed = [&](std::string_view old, std::string_view current) {
    if (name.ends_with(old)) found.push_back(name.substr(0, name.size() - old.size()) + std::string(current));
  };
  renamed(".gamma", ".weight");
  renamed(".beta", ".bias");
  if (std::string plain = plain_hyena_name(name); !plain.empty()) found.push_back(std::move(plain));
  return found;
}

/// The name in the file of every planned tensor that is there under a wrapped name and not under its own. Of
/// two such names the first counts; the other one is surplus.
[[nodiscard]] inline std::map<std::string, std::string> wrapped_names(const std::vector<planned_tensor>& plan,
                                                                      const io::checkpoint& weights) {
  std::set<std::string_view> planned;
  for (const planned_tensor& tensor : plan) planned.insert(tensor.name);
  std::map<std::string, std::string> in_file;
  for (const io::tensor_info& info : weights.tensors()) {
    if (planned.contains(info.name)) continue;
    for (const std::string& plain : plain_names(info.name)) {
      if (!planned.contains(plain) || weights.contains(plain)) continue;
      in_file.emplace(plain, info.name);
      break;
    }
  }
  return in_file;
}

/// The plan under the names of a file; `same_as` included.
[[nodiscard]] inline std::vector<planned_tensor> rename_plan(std::vector<planned_tensor> plan,
                                                             const io::checkpoint& weights) {
  const std::map<std::string, std::string> in_file = wrapped_names(plan, weights);
  if (in_file.empty()) return plan;
  const auto rename = [&](std::string& name) {
    const auto known = in_file.find(name);
    if (known != in_file.end()) name = known->second;
  };
  for (planned_tensor& tensor : plan) {
    rename(tensor.name);
    if (!tensor.same_as.empty()) rename(tensor.same_as);
  }
  return plan;
}

}  // namespace detail
DNALM_END_NAMESPACE
