// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/evaluation.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <dnalm/core/error.hpp>
#include <dnalm/core/parallel.hpp>
#include <dnalm/embed/embed.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/probe/baselines.hpp>
#include <dnalm/probe/probe_file.hpp>
#include <dnalm/probe/vector_store.hpp>
#include <dnalm/report/evaluation.hpp>
#include <dnalm/report/figures.hpp>
#include <dnalm/report/html.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

DNALM_INLINE std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t comma = text.find(',');
    words.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return words;
    text.remove_prefix(comma + 1);
  }
}

[[noreturn]] DNALM_INLINE void comes_later(const std::string& what, const std::string& now) {
  throw error(error_kind::unsupported, 593,
              what + " is not built in yet; it comes with a later release of dnalm",
              {.expected = now, .found = what});
}

template <class Kind>
void add_once(std::vector<Kind>& kinds, Kind kind, const std::string& word) {
  if (std::find(kinds.begin(), kinds.end(), kind) != kinds.end()) {
    throw error(error_kind::usage, 592, "a list names something twice", {.found = "'" + word + "'"});
  }
  kinds.push_back(kind);
}

}  // namespace detail

DNALM_INLINE std::vector<baseline_kind> parse_baselines(std::string_view text) {
  std::vector<baseline_kind> kinds;
  if (text == "none") return kinds;
  for (const std::string& word : detail::split_list(text)) {
    if (word == "cnn") detail::comes_later("baseline cnn", "onehot, kmer, random or none");
    if (word != "onehot" && word != "kmer" && word != "random") {
      throw error(error_kind::usage, 592, "unknown baseline",
                  {.expected = "onehot, kmer, random or none", .found = "'" + word + "'"});
    }
    detail::add_once(kinds,
                     word == "onehot" ? baseline_kind::onehot
                     : word == "kmer" ? baseline_kind::kmer
                                      : baseline_kind::random,
                     word);
  }
  return kinds;
}

DNALM_INLINE std::vector<probe_kind> parse_probes(std::string_view text) {
  std::vector<probe_kind> kinds;
  for (const std::string& word : detail::split_list(text)) {
    if (word == "mlp" || word == "cnn") detail::comes_later("probe " + word, "ridge or logistic");
    if (word != "ridge" && word != "logistic") {
      throw error(error_kind::usage, 592, "unknown probe",
                  {.expected = "ridge or logistic", .found = "'" + word + "'"});
    }
    detail::add_once(kinds, word == "ridge" ? probe_kind::ridge : probe_kind::logistic, word);
  }
  return kinds;
}

namespace detail {

DNALM_INLINE std::vector<split_part> parts_of(const io::sequence_table& table, std::uint64_t seed) {
  std::vector<std::string> keys;
  std::vector<split_part> parts;
  for (const io::sequence_record& record : table.records) {
    if (table.has_split) {
      parts.push_back(parse_split(record.split, table.file + ", record '" + record.name + "'"));
    } else {
      keys.push_back(table.has_group ? record.group : record.name);
    }
  }
  return table.has_split ? parts : assign_split(keys, seed);
}

DNALM_INLINE probe_table make_probe_table(const io::sequence_table& table, task_kind task,
                                          std::uint64_t seed) {
  probe_table result;
  result.targets = table.targets;
  result.parts = parts_of(table, seed);
  result.tasks.assign(table.targets.size(), task);
  for (const io::sequence_record& record : table.records) {
    result.labels.insert(result.labels.end(), record.labels.begin(), record.labels.end());
    result.names.push_back(record.name);
    if (table.has_group) result.groups.push_back(record.group);
  }
  return result;
}

/// The same problem with some of its targets; their tasks are settled already.
DNALM_INLINE probe_problem choose_targets(const probe_problem& problem,
                                          const std::vector<std::size_t>& chosen) {
  const probe_table& from = problem.table();
  if (chosen.size() == from.targets.size()) return problem;
  probe_table part = from;
  part.targets.clear();
  part.tasks.clear();
  part.labels.clear();
  for (const std::size_t t : chosen) {
    part.targets.push_back(from.targets[t]);
    part.tasks.push_back(problem.targets()[t].task);
  }
  for (std::size_t row = 0; row < from.parts.size(); ++row) {
    for (const std::size_t t : chosen) part.labels.push_back(from.labels[row * from.targets.size() + t]);
  }
  return probe_problem(std::move(part));
}

/// A kind of probe and the targets it is fitted to.
struct probing_task {
  probe_kind kind;
  probe_problem problem;
};

DNALM_INLINE bool probe_fits(probe_kind kind, task_kind task, bool by_task) {
  const bool classes = task != task_kind::regression;
  if (by_task) return classes == (kind == probe_kind::logistic);
  return kind == probe_kind::ridge || classes;
}

/// Which probe goes with which targets; an empty request chooses by task.
DNALM_INLINE std::vector<probing_task> plan_probes(const probe_problem& problem,
                                                   const std::vector<probe_kind>& asked) {
  const bool by_task = asked.empty();
  std::vector<probing_task> plan;
  for (const probe_kind kind : by_task ? std::vector{probe_kind::ridge, probe_kind::logistic} : asked) {
    std::vector<std::size_t> chosen;
    for (std::size_t t = 0; t < problem.targets().size(); ++t) {
      if (probe_fits(kind, problem.targets()[t].task, by_task)) chosen.push_back(t);
    }
    if (!chosen.empty()) {
      plan.push_back({kind, choose_targets(problem, chosen)});
    } else if (!by_task) {
      throw error(
          error_kind::usage, 535, "a logistic probe needs classes",
          {.expected = "a target with classes, or --task classification", .found = "regression targets"});
    }
  }
  return plan;
}

/// One representation of a source: its layer (-1: none) and pooling.
struct slot_name {
  index_t layer = -1;
  std::string pooling = "-";
};

DNALM_INLINE std::string layer_text(index_t layer) {
  return layer < 0 ? "-" : std::to_string(layer);
}

/// Everything a streamed ridge probe needs of the labels.
struct stream_labels {
  std::vector<double> columns;          // (n, T)
  std::vector<index_t> parts;           // (n)
  std::vector<index_t> missing_groups;  // (T)
  index_t part_count = 0;
  index_t targets = 0;
};

DNALM_INLINE stream_labels make_stream_labels(const probe_problem& problem, const probe_options& options) {
  stream_labels labels;
  labels.columns = regression_columns(problem);
  labels.parts = statistics_parts(problem, options, labels.part_count);
  labels.targets = static_cast<index_t>(labels.columns.size()) / problem.rows();
  labels.missing_groups =
      missingness_groups(as_matrix<const double>(labels.columns.data(), problem.rows(), labels.targets));
  return labels;
}

/// Takes the pooled blocks of the one forward pass: statistics for ridge, vectors for what needs them.
class pooled_sink : public embedding_sink {
 public:
  struct settings {
    const stream_labels* labels = nullptr;  // null: no statistics
    std::vector<index_t> kept_rows = {};    // rising; the rows whose vectors are stored
    index_t memory = 0;
    int threads = 0;
    std::filesystem::path directory = {};
    std::function<void()> check = {};
  };

  explicit pooled_sink(settings wanted) : settings_(std::move(wanted)) {}

  void begin(const embedding_shape& shape) override {
    for (const pooling kind : shape.poolings) {
      for (const index_t layer : shape.layers) slots.push_back({layer, std::string(to_string(kind))});
    }
    store.emplace(static_cast<index_t>(settings_.kept_rows.size()),
                  std::vector<index_t>(slots.size(), shape.width),
                  vector_store_options{settings_.memory, settings_.directory});
    if (settings_.labels == nullptr) return;
    const stream_labels& labels = *settings_.labels;
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      statistics.emplace_back(shape.width, labels.targets, labels.part_count, labels.missing_groups);
    }
  }

  void consume(index_t first, const embedding_block& block) override {
    if (settings_.check) settings_.check();
    const index_t rows = block.sequences;
    const std::vector<index_t> kept = kept_in(first, rows);
    for (std::size_t slot = 0; slot < slots.size(); ++slot) keep(slot, block.values[slot], kept);
    if (settings_.labels == nullptr) return;
    const stream_labels& labels = *settings_.labels;
    const auto y =
        as_matrix<const double>(labels.columns.data() + first * labels.targets, rows, labels.targets);
    const auto parts = std::span<const index_t>(labels.parts)
                           .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(rows));
    parallel_for(static_cast<index_t>(slots.size()), settings_.threads, [&](index_t slot, int) {
      const auto s = static_cast<std::size_t>(slot);
      statistics[s].add(block.values[s].view(), y, parts);
    });
  }

  std::vector<slot_name> slots;
  std::vector<ridge_statistics> statistics;  // by slot, when they are gathered
  std::optional<vector_store> store;

 private:
  /// Rows of a block that are stored, relative to the block.
  [[nodiscard]] std::vector<index_t> kept_in(index_t first, index_t rows) const {
    const auto& all = settings_.kept_rows;
    std::vector<index_t> kept;
    for (auto at = std::lower_bound(all.begin(), all.end(), first); at != all.end() && *at < first + rows;
         ++at) {
      kept.push_back(*at - first);
    }
    return kept;
  }

  void keep(std::size_t slot, const matrix<float>& values, const std::vector<index_t>& kept) {
    const auto number = static_cast<index_t>(slot);
    if (static_cast<index_t>(kept.size()) == values.rows()) {
      store->append(number, values.view());
      return;
    }
    matrix<float> chosen(static_cast<index_t>(kept.size()), values.columns());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      const auto from = values.view().row(kept[i]);
      std::copy(from.begin(), from.end(), chosen.view().row_data(static_cast<index_t>(i)));
    }
    if (!kept.empty()) store->append(number, chosen.view());
  }

  settings settings_;
};

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

/// One array of an npz file of embeddings and what it is.
struct vector_array {
  std::string member;
  slot_name slot;
};

/// `<pooling>/layer_<k>` as dnalm-embed writes it; nothing else.
DNALM_INLINE std::optional<slot_name> parse_member(const std::string& member) {
  const std::size_t slash = member.find("/layer_");
  if (slash == std::string::npos) return std::nullopt;
  const std::string digits = member.substr(slash + 7);
  index_t layer = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), layer);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || layer < 0) return std::nullopt;
  return slot_name{layer, file_name_text(member.substr(0, slash))};
}

/// Members that hold vectors, in the order of the file. Token matrices and the like are passed over.
DNALM_INLINE std::vector<vector_array> find_vectors(const io::npz_reader& file) {
  std::vector<vector_array> arrays;
  for (const std::string& member : file.names()) {
    if (member == "names" || member == "token_ids" || member == "offsets" || member == "logits") continue;
    const auto slot = parse_member(member);
    if (slot && slot->pooling == "tokens") continue;
    arrays.push_back({member, slot ? *slot : slot_name{-1, file_name_text(member)}});
  }
  return arrays;
}

/// Keeps the layers and poolings asked for; arrays without a layer stay.
DNALM_INLINE void select_vectors(std::vector<vector_array>& arrays, const evaluation_options& options,
                                 bool layers, bool poolings) {
  index_t last = 0;
  for (const vector_array& array : arrays) last = std::max(last, array.slot.layer);
  const std::vector<index_t> wanted = options.layers.resolve(last);
  std::erase_if(arrays, [&](const vector_array& array) {
    if (array.slot.layer < 0) return false;
    const bool layer_out =
        layers && std::find(wanted.begin(), wanted.end(), array.slot.layer) == wanted.end();
    const bool pooling_out =
        poolings && std::none_of(options.poolings.begin(), options.poolings.end(),
                                 [&](pooling kind) { return to_string(kind) == array.slot.pooling; });
    return layer_out || pooling_out;
  });
}

[[noreturn]] DNALM_INLINE void rows_differ(const std::string& where, const std::string& expected,
                                           const std::string& found) {
  throw error(error_kind::input, 595, "embeddings do not match the table",
              {.where = where, .expected = expected, .found = found});
}

/// For every record of the table the row of the embeddings that has its name.
DNALM_INLINE std::vector<index_t> match_rows(const io::npz_reader& file, const io::sequence_table& table,
                                             const std::string& where) {
  std::vector<index_t> row_of;
  if (!file.contains("names")) return row_of;
  std::map<std::string, index_t> by_name;
  const io::npy_array member = file.read("names");
  for (const std::string& name : member.texts()) {
    if (!by_name.emplace(name, static_cast<index_t>(by_name.size())).second) {
      rows_differ(where, "every name once", "'" + name + "' twice");
    }
  }
  for (const io::sequence_record& record : table.records) {
    const auto found = by_name.find(record.name);
    if (found == by_name.end()) {
      rows_differ(where, "a row for '" + record.name + "'", std::to_string(by_name.size()) + " other names");
    }
    row_of.push_back(found->second);
  }
  return row_of;
}

/// The array's rows in the order of the table.
DNALM_INLINE matrix<float> matched_rows(const io::npy_array& array, const std::vector<index_t>& row_of,
                                        std::size_t records, const std::string& where) {
  if (array.is_text || array.shape.size() != 2 || array.shape[1] < 1) {
    rows_differ(where, "a two-dimensional array of numbers",
                std::to_string(array.shape.size()) + " dimensions");
  }
  const index_t rows = array.shape[0];
  if (row_of.empty() && rows != static_cast<index_t>(records)) {
    rows_differ(where, std::to_string(records) + " rows, as in the table", std::to_string(rows));
  }
  const std::vector<float> values = array.values<float>();
  matrix<float> matched(static_cast<index_t>(records), array.shape[1]);
  for (std::size_t i = 0; i < records; ++i) {
    const index_t from = row_of.empty() ? static_cast<index_t>(i) : row_of[i];
    if (from >= rows) rows_differ(where, "as many rows as names", std::to_string(rows));
    std::copy_n(values.begin() + from * array.shape[1], array.shape[1],
                matched.view().row_data(static_cast<index_t>(i)));
  }
  return matched;
}

}  // namespace detail

struct evaluation::state {
  const io::sequence_table& table;
  evaluation_options options;
  result_folder& out;
  probe_problem problem;
  std::vector<detail::probing_task> plan;
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
  void record(const std::string& name, const detail::slot_name& slot, probe_evaluation result);
  void record_target(const std::string& name, const detail::slot_name& slot, probe_kind kind,
                     const target_evaluation& target);
  void probe_matrix(const std::string& name, const detail::slot_name& slot,
                    matrix_view<const float> features);
  void probe_baseline(const std::string& name, matrix_view<const float> features);
  [[nodiscard]] std::vector<index_t> rows_to_keep(bool streamed) const;
  [[nodiscard]] bool can_stream(index_t width, index_t slots, const detail::stream_labels& labels) const;
  void embed_and_probe(const std::string& name, const model& loaded);
  void probe_slots(const std::string& name, const detail::pooled_sink& sink,
                   const std::vector<index_t>& kept);
  [[nodiscard]] std::vector<probe_evaluation> probe_slot(const detail::pooled_sink& sink, index_t slot,
                                                         const std::vector<index_t>& kept) const;
};

/// A baseline that needs more memory than the budget is left out, with a remark: it must not stop the models.
DNALM_INLINE void evaluation::state::probe_baseline(const std::string& name,
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
DNALM_INLINE void evaluation::state::record(const std::string& name, const detail::slot_name& slot,
                                            probe_evaluation result) {
  for (const target_evaluation& target : result.targets) record_target(name, slot, result.probe.kind, target);
  for (const std::string& remark : result.remarks) add_remark(remark);
  result.probe.model = name;
  result.probe.layer = slot.layer;
  result.probe.pooling = slot.pooling;
  result.probe.seed = options.seed;
  save_probe(out.file("probes/" + probe_file_name(result.probe)), result.probe);
}

DNALM_INLINE void evaluation::state::record_target(const std::string& name, const detail::slot_name& slot,
                                                   probe_kind kind, const target_evaluation& target) {
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

DNALM_INLINE void evaluation::state::probe_matrix(const std::string& name, const detail::slot_name& slot,
                                                  matrix_view<const float> features) {
  for (const detail::probing_task& task : plan) {
    check();
    record(name, slot, evaluate_probe(task.problem, features, options_for(task.kind, options.threads)));
  }
}

/// All rows, or the test rows when the training rows live on in statistics only.
DNALM_INLINE std::vector<index_t> evaluation::state::rows_to_keep(bool streamed) const {
  std::vector<index_t> kept;
  const bool test_only = streamed && plan.size() == 1;  // a second probe needs the vectors themselves
  for (std::size_t row = 0; row < problem.table().parts.size(); ++row) {
    if (!test_only || problem.table().parts[row] == split_part::test)
      kept.push_back(static_cast<index_t>(row));
  }
  return kept;
}

/// Statistics are gathered when they fit half the budget and the probe works on them (not on rows) anyway.
DNALM_INLINE bool evaluation::state::can_stream(index_t width, index_t slots,
                                                const detail::stream_labels& labels) const {
  const auto used = std::count_if(labels.parts.begin(), labels.parts.end(), [](index_t p) { return p >= 0; });
  index_t groups = 0;
  for (const index_t group : labels.missing_groups) groups = std::max(groups, group + 1);
  const index_t bytes = ridge_statistics::bytes(width, labels.targets, labels.part_count, groups);
  return width < used && checked_mul(bytes, slots) <= options.memory / 2;
}

DNALM_INLINE void evaluation::state::embed_and_probe(const std::string& name, const model& loaded) {
  const auto ridge = std::find_if(plan.begin(), plan.end(), [](const detail::probing_task& task) {
    return task.kind == probe_kind::ridge;
  });
  detail::pooled_sink::settings settings;
  std::optional<detail::stream_labels> labels;
  const auto layers = options.layers.resolve(loaded.describe().layers());
  const auto slots = static_cast<index_t>(layers.size() * options.poolings.size());
  if (ridge != plan.end()) {
    labels = detail::make_stream_labels(ridge->problem, options_for(probe_kind::ridge, 1));
    if (can_stream(loaded.describe().width(), slots, *labels)) settings.labels = &*labels;
  }
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
    wanted.threads = options.threads;
    wanted.memory = std::max<index_t>(options.memory / 4, 1);
    wanted.watcher = &bar;
    embed(loaded, table.records, wanted, sink);
  }
  probe_slots(name, sink, kept);
}

DNALM_INLINE void evaluation::state::probe_slots(const std::string& name, const detail::pooled_sink& sink,
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

DNALM_INLINE std::vector<probe_evaluation> evaluation::state::probe_slot(
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
      results.push_back(evaluate_ridge(task.problem, sink.statistics[s], features, wanted));
    } else {
      results.push_back(evaluate_probe(task.problem, features, wanted));
    }
  }
  return results;
}

DNALM_INLINE probe_problem make_problem(const io::sequence_table& table, task_kind task, std::uint64_t seed) {
  if (table.targets.empty()) {
    throw error(error_kind::input, 596, "the table has no labels",
                {.where = table.file, .expected = "a column `label`, or columns `label.<target>`"});
  }
  return probe_problem(detail::make_probe_table(table, task, seed));
}

namespace detail {

/// Groups among a target's test rows below which an interval over groups says little.
inline constexpr std::size_t few_groups = 10;

/// What a reader should know of every target: intervals from few groups, targets that no probe asked for
/// fits.
DNALM_INLINE std::vector<std::string> target_remarks(const probe_problem& problem,
                                                     const std::vector<probing_task>& plan) {
  std::vector<std::string> remarks;
  for (const probe_problem::target& target : problem.targets()) {
    std::set<index_t> groups;
    for (const index_t row : target.test) groups.insert(problem.clusters()[static_cast<std::size_t>(row)]);
    if (groups.size() < few_groups) {
      remarks.push_back("target " + target.name + ": only " + std::to_string(groups.size()) +
                        " groups among the test rows, its intervals are too narrow to be trusted");
    }
    const bool probed = std::any_of(plan.begin(), plan.end(), [&](const probing_task& task) {
      const auto& probed_targets = task.problem.targets();
      return std::any_of(probed_targets.begin(), probed_targets.end(),
                         [&](const probe_problem::target& other) { return other.name == target.name; });
    });
    if (!probed) remarks.push_back("target " + target.name + ": left out, no probe asked for fits its task");
  }
  return remarks;
}

}  // namespace detail

DNALM_INLINE evaluation::evaluation(const io::sequence_table& table, const evaluation_options& options,
                                    result_folder& out) {
  probe_problem problem = make_problem(table, options.task, options.seed);
  std::vector<detail::probing_task> plan = detail::plan_probes(problem, options.probes);
  prediction_writer predictions(out.file("predictions.tsv"),
                                {"test part; prediction: the value, the score of the larger of two classes "
                                 "(logistic: its probability), or the predicted class"});
  state_ = std::make_unique<state>(state{.table = table,
                                         .options = options,
                                         .out = out,
                                         .problem = std::move(problem),
                                         .plan = std::move(plan),
                                         .predictions = std::move(predictions)});
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
  if (wants_onehot) {
    state_->probe_baseline("onehot", one_hot_matrix(sequences).view());
    bar.advance();
  }
  if (wants_kmer) {
    state_->probe_baseline("kmer", kmer_matrix(sequences).view());
    bar.advance();
  }
}

DNALM_INLINE void evaluation::add_model(const std::string& name, const model& loaded) {
  state_->embed_and_probe(name, loaded);
  if (!state_->wants(baseline_kind::random)) return;
  state_->check();
  state_->embed_and_probe("random:" + name, random_twin(loaded, state_->options.seed));
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
    state_->probe_matrix(name, array.slot, features.view());
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
  write_results(state_->out.file("results.tsv"), all, head);
  state_->predictions.commit();
  for (const figure& f : make_figures(all)) state_->out.write_text(f.file, draw(f.chart));
  state_->out.write_text("report.html", report_page(all, made));
  state_->out.write_text("manifest.json", manifest_json(made));
  state_->out.commit();
}

}  // namespace report
DNALM_END_NAMESPACE
