// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/attribution_targets.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/detail/gradient_schedule.hpp>
#include <dnalm/attribution/detail/read_edits.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/sequence_error.hpp>
#include <dnalm/embed/embeddings.hpp>
#include <dnalm/models/detail/linear_outputs.hpp>
#include <dnalm/tensor/buffer.hpp>

DNALM_BEGIN_NAMESPACE
namespace detail {

/// \throws error [dnalm.usage.802].
[[noreturn]] inline void refuse_target(const std::string& where, index_t outputs, const std::string& found) {
  throw error(error_kind::usage, 802, "no such target",
              {.where = where,
               .expected = outputs > 0 ? "0 to " + std::to_string(outputs - 1) : "at least one target",
               .found = found});
}

inline void check_targets(std::span<const index_t> asked, index_t outputs, const std::string& where) {
  for (const index_t target : asked) {
    if (target < 0 || target >= outputs) refuse_target(where, outputs, std::to_string(target));
  }
}

/// \throws error [dnalm.config.809].
[[noreturn]] inline void refuse_probe(const fitted_probe& probe, const std::string& expected,
                                      const std::string& found) {
  throw error(error_kind::config, 809, "the probe does not fit the model",
              {.where = "probe on " + probe.model, .expected = expected, .found = found});
}

/// The pooling of a probe that has one for this model.
[[nodiscard]] inline pooling check_probe(const model& network, const fitted_probe& probe) {
  const model_description& about = network.describe();
  if (probe.layer < 0 || probe.layer > about.layers()) {
    refuse_probe(probe, "a layer from 0 to " + std::to_string(about.layers()), std::to_string(probe.layer));
  }
  if (probe.width != network.state_width(probe.layer)) {
    refuse_probe(probe, "vectors of " + std::to_string(network.state_width(probe.layer)) + " numbers",
                 std::to_string(probe.width));
  }
  const index_t numbers = checked_mul(probe.width, probe.outputs());
  if (static_cast<index_t>(probe.weights.size()) != numbers) {
    refuse_probe(probe, std::to_string(numbers) + " weights", std::to_string(probe.weights.size()));
  }
  for (const pooling kind : {pooling::mean, pooling::mean_all, pooling::max, pooling::cls}) {
    if (probe.pooling != to_string(kind)) continue;
    if (kind == pooling::cls && !about.has_cls()) refuse_probe(probe, "a model with a CLS token", about.name);
    return kind;
  }
  refuse_probe(probe, "pooling mean, mean_all, max or cls", probe.pooling);
}

/// `<target>` or `<target>:<class>` by output of a probe.
[[nodiscard]] inline std::vector<std::string> output_names(const fitted_probe& probe) {
  std::vector<std::string> names(static_cast<std::size_t>(probe.outputs()));
  for (std::size_t o = 0; o < names.size(); ++o) names[o] = "output " + std::to_string(o);
  for (const probe_target& target : probe.targets) {
    for (index_t o = 0; o < target.outputs; ++o) {
      const index_t at = target.first_output + o;
      if (at < 0 || at >= probe.outputs()) continue;
      std::string& name = names[static_cast<std::size_t>(at)];
      name = target.name;
      if (target.outputs < 2) continue;
      const auto label = static_cast<std::size_t>(o);
      const double value = label < target.classes.size() ? target.classes[label] : static_cast<double>(o);
      name += ":" + std::to_string(static_cast<long long>(value));
    }
  }
  return names;
}

/// That of a model's heads which a name says; empty: the first. \throws error [dnalm.usage.871].
[[nodiscard]] inline prediction_head chosen_head(const model& network, const std::string& name) {
  const std::vector<prediction_head> heads = prediction_heads(network);
  if (name.empty()) return heads.front();
  std::string all;
  for (const prediction_head& head : heads) {
    if (head.name == name) return head;
    all += (all.empty() ? "'" : ", '") + head.name + "'";
  }
  throw error(error_kind::usage, 871, "the model predicts nothing of this name",
              {.where = network.describe().name, .expected = "one of " + all, .found = name});
}

/// \throws error [dnalm.usage.872].
[[noreturn]] inline void refuse_rows(const row_interval& rows, const std::string& where,
                                     const std::string& expected) {
  throw error(error_kind::usage, 872, "rows that an output has not",
              {.where = where,
               .expected = expected,
               .found = std::to_string(rows.first) + ":" + std::to_string(rows.end)});
}

/// Whether a prediction that ends in no map is a linear output.
[[nodiscard]] inline bool is_linear_output(const model& network, const prediction_head& head) {
  const auto* graph = std::get_if<layer_graph>(&network.describe().config);
  if (graph == nullptr) return false;
  return std::any_of(graph->outputs.begin(), graph->outputs.end(), [&](const graph_result& output) {
    return output.name == head.name && ends_linearly(*graph, output.value);
  });
}

/// What targets of a head are, for people.
[[nodiscard]] inline std::string words_of(const model& network, const prediction_head& head,
                                          target_scale scale) {
  if (head.state < 0) return "logit of the language model";
  if (head.map.empty()) {
    return is_linear_output(network, head) ? "linear output of the network" : "prediction of the network";
  }
  if (scale == target_scale::prediction) return "prediction, behind the network's last " + head.map;
  return (head.averaged ? "mean of what the network's last " : "what the network's last ") + head.map +
         " is applied to";
}

/// Rows of a sequence that its mean is over.
[[nodiscard]] inline index_t counted_rows(std::span<const unsigned char> special, index_t first, index_t rows,
                                          bool all) {
  if (all) return rows;
  const auto begin = special.begin() + first;
  return static_cast<index_t>(std::count(begin, begin + rows, static_cast<unsigned char>(0)));
}

}  // namespace detail

DNALM_INLINE attribution_targets::attribution_targets(model network, const fitted_probe& probe,
                                                      std::span<const index_t> outputs)
    : network_(std::move(network)), layer_(probe.layer), kind_(detail::check_probe(network_, probe)) {
  std::vector<index_t> chosen(outputs.begin(), outputs.end());
  if (chosen.empty()) {
    for (index_t o = 0; o < probe.outputs(); ++o) chosen.push_back(o);
  }
  if (chosen.empty()) detail::refuse_target("probe on " + probe.model, 0, "none");
  detail::check_targets(chosen, probe.outputs(), "probe on " + probe.model);
  const std::vector<std::string> names = detail::output_names(probe);
  probe_.model = probe.model;
  probe_.layer = probe.layer;
  probe_.width = probe.width;
  for (const index_t o : chosen) {
    names_.push_back(names[static_cast<std::size_t>(o)]);
    const auto first = probe.weights.begin() + o * probe.width;
    probe_.weights.insert(probe_.weights.end(), first, first + probe.width);
    probe_.intercept.push_back(probe.intercept[static_cast<std::size_t>(o)]);
  }
}

DNALM_INLINE attribution_targets attribution_targets::of_logits(model network,
                                                                std::span<const index_t> columns,
                                                                const prediction_choice& choice) {
  const prediction_head head = detail::chosen_head(network, choice.head);
  const std::string where = head.name + " of " + network.describe().name;
  if (columns.empty()) detail::refuse_target(where, 0, "none");
  detail::check_targets(columns, head.columns, where);
  if (choice.rows && (choice.rows->first < 0 || choice.rows->end <= choice.rows->first)) {
    detail::refuse_rows(*choice.rows, where, "a first row from 0 on, and an end behind it");
  }
  attribution_targets result(std::move(network), {columns.begin(), columns.end()});
  const bool linear = choice.scale == target_scale::linear || head.state < 0;  // logits have one scale
  result.layer_ = linear ? head.linear_state : head.state;
  result.rows_ = choice.rows;
  if (choice.rows) result.kind_ = pooling::mean_all;
  result.scale_words_ = detail::words_of(result.network_, head, choice.scale);
  const std::string before = choice.head.empty() ? "" : head.name + " ";
  const std::string behind =
      choice.rows ? ", rows " + std::to_string(choice.rows->first) + ":" + std::to_string(choice.rows->end)
                  : "";
  for (const index_t column : columns) {
    result.names_.push_back(before + (linear ? "logit " : "prediction ") + std::to_string(column) + behind);
  }
  return result;
}

DNALM_INLINE index_t attribution_targets::output_rows(index_t tokens, const std::string& where) const {
  const index_t rows = network_.state_rows(reads_logits() ? network_.logits_state() : layer_, tokens, where);
  check_rows(rows, where);
  return rows;
}

DNALM_INLINE void attribution_targets::check_rows(index_t rows, const std::string& where) const {
  if (rows_ && rows_->end > rows) detail::refuse_rows(*rows_, where, "rows of 0:" + std::to_string(rows));
}

DNALM_INLINE row_interval attribution_targets::chosen_rows(const ragged_offsets& rows,
                                                           index_t sequence) const {
  const index_t begin = rows.begin(sequence);
  if (!rows_) return {begin, rows.begin(sequence + 1)};
  detail::about_sequence(sequence,
                         [&](const std::string& where) { check_rows(rows.length(sequence), where); });
  return {begin + rows_->first, begin + rows_->end};
}

DNALM_INLINE std::vector<unsigned char> attribution_targets::special_rows(std::span<const std::int32_t> ids,
                                                                          const ragged_offsets& rows) const {
  std::vector<unsigned char> flags(static_cast<std::size_t>(rows.rows()), 0);
  const model_description& about = network_.describe();
  if (about.summary().resizes || !about.tokens) return flags;
  for (std::size_t i = 0; i < flags.size(); ++i) {
    flags[i] = about.tokens->special().is_special(ids[i]) ? 1 : 0;
  }
  return flags;
}

DNALM_INLINE std::vector<double> attribution_targets::outputs_of(matrix_view<const float> pooled) const {
  return linear_outputs(probe_, pooled);
}

DNALM_INLINE void attribution_targets::values(matrix_view<const float> output, const ragged_offsets& rows,
                                              std::span<const unsigned char> special,
                                              std::span<double> values) const {
  const index_t sequences = rows.sequences();
  if (columns_.empty()) {
    matrix<float> pooled(sequences, output.columns);
    pool_sequences(kind_, output, rows, {special.data(), static_cast<index_t>(special.size())}, 0,
                   pooled.view());
    const std::vector<double> found = outputs_of(pooled.view());
    std::copy(found.begin(), found.end(), values.begin());
    return;
  }
  std::size_t at = 0;
  for (index_t s = 0; s < sequences; ++s) {
    const row_interval chosen = chosen_rows(rows, s);
    for (const index_t column : columns_) {
      double sum = 0;
      index_t count = 0;
      for (index_t r = chosen.first; r < chosen.end; ++r) {
        if (kind_ != pooling::mean_all && special[static_cast<std::size_t>(r)] != 0) continue;
        sum += static_cast<double>(output(r, column));
        ++count;
      }
      values[at++] = sum / static_cast<double>(count);
    }
  }
}

DNALM_INLINE void attribution_targets::add_gradient(index_t target, matrix_view<const float> output,
                                                    const ragged_offsets& rows,
                                                    std::span<const unsigned char> special,
                                                    matrix_view<float> gradient) const {
  const auto counts = [&](index_t r) {
    return kind_ == pooling::mean_all || special[static_cast<std::size_t>(r)] == 0;
  };
  const index_t column = columns_.empty() ? -1 : columns_[static_cast<std::size_t>(target)];
  const double* weights = column >= 0 ? nullptr : probe_.weights.data() + target * probe_.width;
  for (index_t s = 0; s < rows.sequences(); ++s) {
    const auto [first, last] = chosen_rows(rows, s);
    if (kind_ == pooling::cls) {
      for (index_t c = 0; c < output.columns; ++c) gradient(first, c) += static_cast<float>(weights[c]);
      continue;
    }
    if (kind_ == pooling::max) {
      for (index_t c = 0; c < output.columns; ++c) {
        index_t largest = -1;
        for (index_t r = first; r < last; ++r) {
          if (counts(r) && (largest < 0 || output(r, c) > output(largest, c))) largest = r;
        }
        if (largest >= 0) gradient(largest, c) += static_cast<float>(weights[c]);
      }
      continue;
    }
    const index_t n = detail::counted_rows(special, first, last - first, kind_ == pooling::mean_all);
    const double share = 1.0 / static_cast<double>(n);
    for (index_t r = first; r < last; ++r) {
      if (!counts(r)) continue;
      if (column >= 0) {
        gradient(r, column) += static_cast<float>(share);
        continue;
      }
      for (index_t c = 0; c < output.columns; ++c) gradient(r, c) += static_cast<float>(share * weights[c]);
    }
  }
}

namespace detail {

/// Values of targets that read logits, block by block: logits are not kept.
class logit_values final : public embedding_sink {
 public:
  logit_values(const attribution_targets& targets, std::span<double> values)
      : targets_(targets), values_(values) {}
  void begin(const embedding_shape&) override {}
  void consume(index_t first, const embedding_block& block) override {
    const ragged_offsets& rows = block.rows_of_logits();
    for (index_t s = 0; s < rows.sequences(); ++s) {
      about_sequence(first + s,
                     [&](const std::string& where) { targets_.check_rows(rows.length(s), where); });
    }
    const auto special = targets_.special_rows(block.ids, rows);
    const auto columns = static_cast<std::size_t>(targets_.size());
    const std::span<double> own = values_.subspan(static_cast<std::size_t>(first) * columns,
                                                  static_cast<std::size_t>(block.sequences) * columns);
    targets_.values(block.logits.view(), rows, special, own);
  }

 private:
  const attribution_targets& targets_;
  std::span<double> values_;
};

}  // namespace detail

namespace detail {

/// Values of columns of a hidden state, which forward may not hand out.
inline void values_of_state(const attribution_targets& targets, std::span<const std::string> sequences,
                            const run_options& options, std::span<double> values) {
  const model& network = targets.network();
  std::vector<token_sequence> tokens;
  std::vector<index_t> lengths;
  std::vector<index_t> numbers;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    numbers.push_back(static_cast<index_t>(i));
    tokens.push_back(about_sequence(
        numbers.back(), [&](const std::string& where) { return network.tokenize(sequences[i], where); }));
    lengths.push_back(tokens.back().size());
  }
  const gradient_schedule schedule =
      schedule_gradients(network, lengths, numbers, values_request(targets.layer(), [](auto) {}),
                         options.threads, options.memory);
  workspace_store workspaces(false);
  const auto columns = static_cast<std::size_t>(targets.size());
  run_schedule(schedule, workspaces, [&](const sequence_chunk& chunk, forward_workspace& workspace) {
    const auto first = static_cast<std::size_t>(chunk.first);
    const auto count = static_cast<std::size_t>(chunk.count);
    std::vector<std::int32_t> ids;
    ragged_offsets offsets;
    ragged_offsets rows;
    for (std::size_t i = first; i < first + count; ++i) {
      ids.insert(ids.end(), tokens[i].ids.begin(), tokens[i].ids.end());
      offsets.append(lengths[i]);
      rows.append(about_sequence(
          numbers[i], [&](const std::string& where) { return targets.output_rows(lengths[i], where); }));
    }
    const auto special = targets.special_rows(ids, rows);
    const auto take = [&](matrix_view<const float> hidden) {
      targets.values(hidden, rows, special, values.subspan(first * columns, count * columns));
    };
    network.input_gradients(
        {ids, offsets}, values_request(targets.layer(), take), [](const input_gradient&) {}, workspace);
  });
}

}  // namespace detail

DNALM_INLINE sequence_function attribution_targets::function(const run_options& options) const {
  sequence_function result{.outputs = size()};
  result.evaluate = [targets = *this, options](std::span<const std::string> sequences,
                                               std::span<double> values) {
    if (!targets.reads_logits() && !targets.columns_.empty()) {
      return detail::values_of_state(targets, sequences, options, values);
    }
    embed_options how{
        .layers = targets.reads_logits() ? layer_selection::none() : layer_selection{targets.layer()},
        .poolings = {targets.kind()},
        .logits = targets.reads_logits(),
        .threads = options.threads,
        .memory = options.memory};
    if (targets.reads_logits()) {
      std::vector<io::sequence_record> records(sequences.size());
      for (std::size_t i = 0; i < records.size(); ++i) {
        records[i].sequence = sequences[i];
        records[i].number = static_cast<index_t>(i);
      }
      detail::logit_values sink(targets, values);
      embed(targets.network(), records, how, sink);
      return;
    }
    const embeddings found = embed(targets.network(), sequences, how);
    const std::vector<double> outputs =
        targets.outputs_of(as_matrix(found.at(targets.kind(), targets.layer())));
    std::copy(outputs.begin(), outputs.end(), values.begin());
  };
  return result;
}

namespace detail {

/// Values of targets for the rows of some edited sequences.
inline void read_targets(const attribution_targets& targets, std::span<const std::int32_t> ids,
                         std::span<const token_edit> edits, matrix_view<const float> rows,
                         std::span<double> values) {
  const index_t each = rows.rows / static_cast<index_t>(edits.size());
  ragged_offsets offsets;
  std::vector<std::int32_t> tokens;
  for (const token_edit& edit : edits) {
    offsets.append(each);
    const std::size_t first = tokens.size();
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    tokens[first + static_cast<std::size_t>(edit.token)] = edit.id;
    // Of the first row alone only its token.
    if (targets.kind() == pooling::cls) tokens.resize(first + 1);
  }
  targets.values(rows, offsets, targets.special_rows(tokens, offsets), values);
}

}  // namespace detail

DNALM_INLINE substitution_function
attribution_targets::function_of_substitutions(const edited_options& options) const {
  read_output output{.state = layer(), .logits = reads_logits()};
  if (kind() == pooling::cls) {
    output.rows = [](index_t) { return std::vector<index_t>{0}; };
  }
  attribution_targets read_alone = *this;
  if (rows_) {
    output.rows = [targets = *this](index_t rows) {
      targets.check_rows(rows, detail::sequence_words(0));
      std::vector<index_t> chosen(static_cast<std::size_t>(targets.rows_->end - targets.rows_->first));
      std::iota(chosen.begin(), chosen.end(), targets.rows_->first);
      return chosen;
    };
    read_alone.rows_.reset();  // what comes are the chosen rows
  }
  const auto evaluate = [targets = std::move(read_alone), output, options](
                            const std::string& sequence, std::span<const substitution> substitutions,
                            std::span<double> values) {
    const detail::edits_reader read = [&](std::span<const std::int32_t> ids,
                                          std::span<const token_edit> edits, matrix_view<const float> rows,
                                          std::span<double> found) {
      detail::read_targets(targets, ids, edits, rows, found);
    };
    detail::evaluate_edits(targets.network(), output, read, options, sequence, substitutions, values);
  };
  return {.outputs = size(), .evaluate = evaluate};
}

DNALM_END_NAMESPACE
