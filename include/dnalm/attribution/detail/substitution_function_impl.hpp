// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of attribution/substitution_function.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include <dnalm/attribution/detail/read_edits.hpp>
#include <dnalm/attribution/substitution_function.hpp>
#include <dnalm/core/error.hpp>

DNALM_BEGIN_NAMESPACE

DNALM_INLINE substitution_function function_of_edits(const model& network, const read_output& output,
                                                     index_t outputs, state_reader read,
                                                     const edited_options& options) {
  const detail::edits_reader read_rows = [read = std::move(read)](
                                             std::span<const std::int32_t>, std::span<const token_edit> edits,
                                             matrix_view<const float> rows, std::span<double> values) {
    read(rows, rows.rows / static_cast<index_t>(edits.size()), values);
  };
  const auto evaluate = [&network, output, read_rows, options](const std::string& sequence,
                                                               std::span<const substitution> substitutions,
                                                               std::span<double> values) {
    detail::evaluate_edits(network, output, read_rows, options, sequence, substitutions, values);
  };
  return {.outputs = outputs, .evaluate = evaluate};
}

DNALM_INLINE substitution_function function_of_edits(const model& network, index_t state, index_t outputs,
                                                     state_reader read, const edited_options& options) {
  return function_of_edits(network, read_output{.state = state}, outputs, std::move(read), options);
}

DNALM_INLINE substitution_function predictions_of_edits(const model& network, const edited_options& options) {
  const index_t state = network.logits_state();
  const auto read = [](matrix_view<const float> rows, index_t rows_of_each, std::span<double> values) {
    if (rows_of_each != 1) {
      throw error(error_kind::unsupported, 869, "a prediction of several rows has no one number per output",
                  {.expected = "function_of_edits with a reader of its rows",
                   .found = std::to_string(rows_of_each) + " rows"});
    }
    for (index_t r = 0; r < rows.rows; ++r) {
      std::copy_n(rows.row_data(r), rows.columns, values.begin() + r * rows.columns);
    }
  };
  return function_of_edits(network, state, network.state_width(state), read, options);
}

DNALM_END_NAMESPACE
