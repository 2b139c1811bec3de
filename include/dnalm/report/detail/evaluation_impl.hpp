// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/evaluation.hpp: the parts of an evaluation in turn.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/probe/baselines.hpp>
#include <dnalm/report/detail/evaluation_state.hpp>
#include <dnalm/report/detail/user_paths.hpp>
#include <dnalm/report/detail/vector_arrays.hpp>
#include <dnalm/report/evaluation.hpp>
#include <dnalm/report/figures.hpp>
#include <dnalm/report/html.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {

DNALM_INLINE probe_problem make_problem(const io::sequence_table& table, task_kind task, std::uint64_t seed) {
  if (table.targets.empty()) {
    throw error(error_kind::input, 596, "the table has no labels",
                {.where = table.file, .expected = "a column `label`, or columns `label.<target>`"});
  }
  return probe_problem(detail::make_probe_table(table, task, seed));
}

namespace detail {

/// Runs a part of an evaluation; errors name the output folder as the user does, not the hidden one. What
/// cannot be written without a name (the vectors that wait on disk) is told with the folder too.
template <class Part>
void run_for_user(const result_folder& out, Part&& part) {
  try {
    part();
  } catch (const error& problem) {
    const error told = out.explain(problem);
    const std::string folder = out.target().string();
    if (told.kind() != error_kind::io || told.details().where.find(folder) != std::string::npos) throw told;
    error_details details = told.details();
    details.where += " beside " + folder;
    throw error(told.kind(), told.number(), first_sentence(told), details);
  }
}

}  // namespace detail

DNALM_INLINE evaluation::evaluation(const io::sequence_table& table, const evaluation_options& options,
                                    result_folder& out) {
  probe_problem problem = make_problem(table, options.task, options.seed);
  std::vector<detail::probing_task> plan = detail::plan_probes(problem, options.probes);
  detail::run_for_user(out, [&] {
    prediction_writer predictions(out.file("predictions.tsv"),
                                  {"test part; prediction: the value, the score of the larger of two classes "
                                   "(logistic: its probability), or the predicted class"});
    state_ = std::make_unique<detail::evaluation_state>(
        detail::evaluation_state{.table = table,
                                 .options = options,
                                 .out = out,
                                 .problem = std::move(problem),
                                 .plan = std::move(plan),
                                 .predictions = std::move(predictions)});
  });
  for (const std::string& remark : state_->problem.remarks()) state_->add_remark(remark);
  for (const std::string& remark : detail::target_remarks(state_->problem, state_->plan)) {
    state_->add_remark(remark);
  }
  for (const char* taken : {"onehot", "kmer", "onehot-cnn"}) state_->names.insert(taken);
}

DNALM_INLINE evaluation::~evaluation() = default;

DNALM_INLINE std::string evaluation::reserve_name(std::string_view wish) {
  std::string clean;
  for (const char letter : wish) {
    const auto code = static_cast<unsigned char>(letter);
    clean.push_back(code < 0x20 || code == 0x7f || letter == ':' ? '_' : letter);
  }
  if (clean.empty()) clean = "model";
  std::string name = clean;
  for (int copy = 2; !state_->names.insert(file_name_text(name)).second; ++copy) {
    name = clean + "-" + std::to_string(copy);
  }
  return name;
}

DNALM_INLINE void evaluation::add_baselines() {
  std::vector<std::string> sequences;
  for (const io::sequence_record& record : state_->table.records) sequences.push_back(record.sequence);
  const bool wants_onehot = state_->wants(baseline_kind::onehot);
  const bool wants_kmer = state_->wants(baseline_kind::kmer);
  progress bar("baselines", (wants_onehot ? 1 : 0) + (wants_kmer ? 1 : 0), state_->options.display);
  detail::run_for_user(state_->out, [&] {
    if (wants_onehot) {
      state_->probe_baseline("onehot", one_hot_matrix(sequences).view());
      bar.advance();
    }
    if (wants_kmer) {
      state_->probe_baseline("kmer", kmer_matrix(sequences).view());
      bar.advance();
    }
  });
}

DNALM_INLINE void evaluation::add_model(const std::string& name, const model& loaded) {
  detail::run_for_user(state_->out, [&] {
    state_->embed_and_probe(name, loaded);
    if (!state_->wants(baseline_kind::random)) return;
    state_->check();
    state_->embed_and_probe("random:" + name,
                            random_twin(loaded, state_->options.seed, state_->options.threads));
  });
}

DNALM_INLINE void evaluation::add_vectors(const std::string& name, const std::filesystem::path& npz,
                                          bool select_layers, bool select_poolings) {
  const io::npz_reader file(npz);
  std::vector<detail::vector_array> arrays = detail::find_vectors(file);
  detail::select_vectors(arrays, state_->options, select_layers, select_poolings);
  if (arrays.empty()) {
    throw error(error_kind::input, 594, "a file of embeddings holds no array that can be probed",
                {.where = npz.string(),
                 .expected = "arrays `<pooling>/layer_<k>` or two-dimensional ones",
                 .found = std::to_string(file.names().size()) + " arrays"});
  }
  const std::vector<index_t> row_of = detail::match_rows(file, state_->table, npz.string());
  progress bar("probing " + name, static_cast<index_t>(arrays.size()), state_->options.display);
  for (const detail::vector_array& array : arrays) {
    const std::string where = npz.string() + ", array '" + array.member + "'";
    const matrix<float> features =
        detail::matched_rows(file.read(array.member), row_of, state_->table.records.size(), where);
    detail::run_for_user(state_->out, [&] { state_->probe_matrix(name, array.slot, features.view()); });
    bar.advance();
  }
}

DNALM_INLINE std::vector<result_row> evaluation::rows() const {
  std::vector<result_row> sorted = state_->rows;
  std::stable_sort(sorted.begin(), sorted.end(), [](const result_row& a, const result_row& b) {
    return kind_of(a.model) < kind_of(b.model);
  });
  return sorted;
}

DNALM_INLINE void evaluation::finish(manifest made) {
  state_->check();
  const std::vector<result_row> all = rows();
  if (std::any_of(all.begin(), all.end(), [](const result_row& row) { return std::isnan(row.value); })) {
    state_->add_remark("nan: the score is undefined, as the correlation of constant predictions is");
  }
  const auto& parts = state_->problem.table().parts;
  const auto count = [&](split_part part) { return std::count(parts.begin(), parts.end(), part); };
  made.rows = state_->problem.rows();
  made.train_rows = count(split_part::train);
  made.valid_rows = count(split_part::valid);
  made.test_rows = count(split_part::test);
  made.targets = state_->table.targets;
  made.remarks = state_->remarks;
  std::vector<std::string> head = {"dnalm-evaluate " DNALM_VERSION_STRING
                                   ": scores on the test part, 95 % bootstrap intervals, penalty lambda"};
  if (state_->options.resamples == 0)
    state_->remarks.insert(state_->remarks.begin(), "intervals: none asked for");
  head.insert(head.end(), state_->remarks.begin(), state_->remarks.end());
  detail::run_for_user(state_->out, [&] {
    write_results(state_->out.file("results.tsv"), all, head);
    state_->predictions.commit();
  });
  for (const figure& f : make_figures(all)) state_->out.write_text(f.file, draw(f.chart));
  state_->out.write_text("report.html", report_page(all, made));
  state_->out.write_text("manifest.json", manifest_json(made));
  state_->out.commit();
}

}  // namespace report
DNALM_END_NAMESPACE
