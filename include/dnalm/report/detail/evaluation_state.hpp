// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What an evaluation holds while sources are added one after the other.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/model.hpp>
#include <dnalm/probe/evaluate_probe.hpp>
#include <dnalm/report/detail/pooled_sink.hpp>
#include <dnalm/report/detail/probing_plan.hpp>
#include <dnalm/report/evaluation_options.hpp>
#include <dnalm/report/result_folder.hpp>
#include <dnalm/report/result_table.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

struct evaluation_state {
  const io::sequence_table& table;
  evaluation_options options;
  result_folder& out;
  probe_problem problem;
  std::vector<probing_task> plan;
  std::vector<result_row> rows = {};
  std::vector<std::string> remarks = {};
  std::set<std::string> names = {};
  prediction_writer predictions;

  void check() const {
    if (options.check) options.check();
  }
  [[nodiscard]] bool wants(baseline_kind kind) const {
    return std::find(options.baselines.begin(), options.baselines.end(), kind) != options.baselines.end();
  }
  [[nodiscard]] probe_options options_for(probe_kind kind, int threads) const {
    probe_options result;
    result.kind = kind;
    result.folds = options.folds;
    result.threads = threads;
    result.memory =
        std::max(options.memory, index_t{256} << 20);  // a fit needs D x D numbers, however small the budget
    result.bootstrap.resamples = options.resamples;
    result.bootstrap.seed = options.seed;
    return result;
  }
  void add_remark(const std::string& remark) {
    if (std::find(remarks.begin(), remarks.end(), remark) == remarks.end()) remarks.push_back(remark);
  }
  void record(const std::string& name, const slot_name& slot, probe_evaluation result);
  void record_target(const std::string& name, const slot_name& slot, probe_kind kind,
                     const target_evaluation& target);
  void probe_matrix(const std::string& name, const slot_name& slot, matrix_view<const float> features);
  void probe_baseline(const std::string& name, matrix_view<const float> features);
  [[nodiscard]] std::vector<index_t> rows_to_keep(bool streamed) const;
  [[nodiscard]] bool can_stream(index_t width, index_t slots, const stream_labels& labels) const;
  void embed_and_probe(const std::string& name, const model& loaded);
  void probe_slots(const std::string& name, const pooled_sink& sink, const std::vector<index_t>& kept);
  [[nodiscard]] std::vector<probe_evaluation> probe_slot(const pooled_sink& sink, index_t slot,
                                                         const std::vector<index_t>& kept) const;
};

}  // namespace detail
}  // namespace report
DNALM_END_NAMESPACE
