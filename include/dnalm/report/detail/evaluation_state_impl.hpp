// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of evaluation_state.hpp: one source is embedded, probed and recorded.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include <dnalm/core/parallel.hpp>
#include <dnalm/embed/embed.hpp>
#include <dnalm/probe/probe_file.hpp>
#include <dnalm/report/detail/evaluation_state.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// The label of a class number, or the value itself for regression.
DNALM_INLINE double label_value(const target_evaluation& target, double label) {
  return target.classes.empty() ? label : target.classes[static_cast<std::size_t>(label)];
}

/// What predictions.tsv shows for a test row: the value, the score of the upper class, or the best of K
/// classes.
DNALM_INLINE double shown_prediction(const target_evaluation& target, std::size_t row) {
  const auto outputs = static_cast<std::size_t>(target.outputs);
  const double* scores = target.predictions.data() + row * outputs;
  if (outputs == 1) return scores[0];
  return target.classes[static_cast<std::size_t>(std::max_element(scores, scores + outputs) - scores)];
}

}  // namespace detail

/// A baseline that needs more memory than the budget is left out, with a remark: it must not stop the models.
DNALM_INLINE void detail::evaluation_state::probe_baseline(const std::string& name,
                                                           matrix_view<const float> features) {
  const std::size_t before = rows.size();
  try {
    probe_matrix(name, {}, features);
  } catch (const error& e) {
    if (e.kind() != error_kind::memory || rows.size() != before) throw;
    add_remark("baseline " + name + ": left out, it needs " + e.details().found +
               " of memory; a larger --memory runs it");
  }
}

/// Results, predictions and the fitted probe of one representation.
DNALM_INLINE void detail::evaluation_state::record(const std::string& name, const detail::slot_name& slot,
                                                   probe_evaluation result) {
  for (const target_evaluation& target : result.targets) record_target(name, slot, result.probe.kind, target);
  for (const std::string& remark : result.remarks) add_remark(remark);
  result.probe.model = name;
  result.probe.layer = slot.layer;
  result.probe.pooling = slot.pooling;
  result.probe.seed = options.seed;
  save_probe(out.file("probes/" + probe_file_name(result.probe)), result.probe);
}

DNALM_INLINE void detail::evaluation_state::record_target(const std::string& name,
                                                          const detail::slot_name& slot, probe_kind kind,
                                                          const target_evaluation& target) {
  result_row row;
  row.model = name;
  row.layer = detail::layer_text(slot.layer);
  row.pooling = slot.pooling;
  row.probe = std::string(to_string(kind));
  row.target = target.target;
  row.n_train = target.n_train;
  row.n_test = target.n_test;
  row.lambda = target.lambda;
  row.seed = options.seed;
  for (const metrics::score& score : target.scores) {
    row.metric = score.name;
    row.value = score.value;
    row.ci_low = score.low;
    row.ci_high = score.high;
    rows.push_back(row);
  }
  for (std::size_t i = 0; i < target.test_rows.size(); ++i) {
    const auto& record = table.records[static_cast<std::size_t>(target.test_rows[i])];
    predictions.row({record.name, name, row.layer, row.pooling, row.probe, row.target,
                     detail::label_value(target, target.labels[i]), detail::shown_prediction(target, i)});
  }
}

DNALM_INLINE void detail::evaluation_state::probe_matrix(const std::string& name,
                                                         const detail::slot_name& slot,
                                                         matrix_view<const float> features) {
  for (const detail::probing_task& task : plan) {
    check();
    record(name, slot, evaluate_probe(task.problem, features, options_for(task.kind, options.threads)));
  }
}

/// All rows, or the test rows when the training rows live on in statistics only.
DNALM_INLINE std::vector<index_t> detail::evaluation_state::rows_to_keep(bool streamed) const {
  std::vector<index_t> kept;
  const bool test_only = streamed && plan.size() == 1;  // a second probe needs the vectors themselves
  for (std::size_t row = 0; row < problem.table().parts.size(); ++row) {
    if (!test_only || problem.table().parts[row] == split_part::test)
      kept.push_back(static_cast<index_t>(row));
  }
  return kept;
}

/// Statistics are gathered when they fit half the budget, or the memory of those who make them, and the probe
/// works on them (not on rows) anyway.
DNALM_INLINE bool detail::evaluation_state::can_stream(index_t width, index_t slots,
                                                       const detail::stream_labels& labels) const {
  const auto used = std::count_if(labels.parts.begin(), labels.parts.end(), [](index_t p) { return p >= 0; });
  if (width >= used) return false;
  if (options.statistics) return options.statistics->fits(labels.shape(width), slots);
  index_t groups = 0;
  for (const index_t group : labels.missing_groups) groups = std::max(groups, group + 1);
  const index_t bytes = ridge_statistics::bytes(width, labels.targets, labels.part_count, groups);
  return checked_mul(bytes, slots) <= options.memory / 2;
}

DNALM_INLINE void detail::evaluation_state::embed_and_probe(const std::string& name, const model& loaded) {
  const auto ridge = std::find_if(plan.begin(), plan.end(), [](const detail::probing_task& task) {
    return task.kind == probe_kind::ridge;
  });
  detail::pooled_sink::settings settings;
  std::optional<detail::stream_labels> labels;
  const auto layers = options.layers.resolve(loaded.describe().layers());
  const auto slots = static_cast<index_t>(layers.size() * options.poolings.size());
  if (ridge != plan.end()) {
    labels = detail::make_stream_labels(ridge->problem, options_for(probe_kind::ridge, 1));
    index_t width = 1;  // of the widest layer
    for (const index_t layer : layers) width = std::max(width, loaded.state_width(layer));
    if (can_stream(width, slots, *labels)) settings.labels = &*labels;
  }
  settings.maker = options.statistics.get();
  settings.kept_rows = rows_to_keep(settings.labels != nullptr);
  settings.memory = std::max<index_t>(options.memory / 4, 1);
  settings.threads = options.threads;
  settings.directory = out.file("vectors").parent_path();
  settings.check = options.check;
  const std::vector<index_t> kept = settings.kept_rows;
  detail::pooled_sink sink(std::move(settings));
  {
    progress bar("embedding " + name, static_cast<index_t>(table.records.size()), options.display);
    embed_options wanted;
    wanted.layers = options.layers;
    wanted.poolings = options.poolings;
    wanted.window = options.window;
    wanted.threads = options.threads;
    wanted.memory = std::max<index_t>(options.memory / 4, 1);
    wanted.watcher = &bar;
    embed(loaded, table.records, wanted, sink);
  }
  probe_slots(name, sink, kept);
}

DNALM_INLINE void detail::evaluation_state::probe_slots(const std::string& name,
                                                        const detail::pooled_sink& sink,
                                                        const std::vector<index_t>& kept) {
  const auto slots = static_cast<index_t>(sink.slots.size());
  std::vector<std::vector<probe_evaluation>> results(sink.slots.size());
  progress bar("probing " + name, slots, options.display);
  parallel_for(slots, options.threads, [&](index_t slot, int) {
    results[static_cast<std::size_t>(slot)] = probe_slot(sink, slot, kept);
    bar.advance();
  });
  bar.finish();
  for (std::size_t slot = 0; slot < results.size(); ++slot) {
    for (probe_evaluation& result : results[slot]) record(name, sink.slots[slot], std::move(result));
  }
}

DNALM_INLINE std::vector<probe_evaluation> detail::evaluation_state::probe_slot(
    const detail::pooled_sink& sink, index_t slot, const std::vector<index_t>& kept) const {
  const auto s = static_cast<std::size_t>(slot);
  matrix<float> scratch;
  matrix_view<const float> features = sink.store->read(slot, scratch);
  matrix<float> scattered;
  if (features.rows != problem.rows()) {  // only the test rows were kept; the others are never read
    scattered = matrix<float>(problem.rows(), features.columns);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto from = features.row(static_cast<index_t>(i));
      std::copy(from.begin(), from.end(), scattered.view().row_data(kept[i]));
    }
    features = scattered.view();
  }
  std::vector<probe_evaluation> results;
  for (const detail::probing_task& task : plan) {
    check();
    const probe_options wanted = options_for(task.kind, 1);
    if (task.kind == probe_kind::ridge && !sink.statistics.empty()) {
      results.push_back(evaluate_ridge(task.problem, *sink.statistics[s], features, wanted));
    } else {
      results.push_back(evaluate_probe(task.problem, features, wanted));
    }
  }
  return results;
}

}  // namespace report
DNALM_END_NAMESPACE
