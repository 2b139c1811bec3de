// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What dnalm-attribute writes for TF-MoDISco: which scores they are, and which sequences it can hold.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <support/attribution_method.hpp>
#include <support/attribution_options.hpp>

namespace program {

/// What the scores of a method are where TF-MoDISco reads hypothetical contributions; empty: they are those.
[[nodiscard]] inline std::string scores_instead(const method_options& options) {
  if (options.method == "deep_lift_shap") {
    return options.hypothetical ? ""
                                : "contributions of the observed letters alone (--hypothetical gives all)";
  }
  const std::string better = ", no hypothetical contributions (--method deep_lift_shap --hypothetical)";
  const bool gradient = options.method == "saliency" || options.method == "smooth_grad";
  if (gradient) {
    return (options.corrected ? "gradients less their mean over the letters" : "gradients") + better;
  }
  if (options.method == "input_x_gradient") return "gradients at the observed letters alone" + better;
  if (options.method == "ism") {
    const std::string screen = options.screen == 0 ? ""
                                                   : ", all but " + std::to_string(options.screen) +
                                                         " edits of a sequence first-order effects";
    return "effects of substitutions, " + options.centring + screen + better;
  }
  if (options.method == "log_odds") return "log-odds of a language model" + better;
  return "contributions along the way from a baseline" + better;
}

/// Refuses scores of tokens that are pieces of text: they say nothing of letters.
/// \throws error [dnalm.unsupported.746].
inline void check_modisco_scores(const attribution_method& method) {
  if (!method.members.tokens) return;
  throw dnalm::error(
      dnalm::error_kind::unsupported, 746, "an option that the model's tokens give no meaning",
      {.where = "--modisco", .expected = "a model of letters or k-mers: a piece has no score by letter"});
}

/// Refuses a run whose files for TF-MoDISco would hold nothing. \throws error [dnalm.input.896].
inline void check_modisco_lengths(const std::vector<dnalm::io::sequence_record>& records,
                                  dnalm::index_t width) {
  std::size_t longest = 0;
  for (const auto& record : records) {
    if (dnalm::modisco_writer::takes(record.sequence, width)) return;
    longest = std::max(longest, record.sequence.size());
  }
  throw dnalm::error(dnalm::error_kind::input, 896, "no sequence that files for TF-MoDISco can hold",
                     {.where = "--modisco-width " + std::to_string(width),
                      .expected = "so many letters, and no N among those in the middle",
                      .found = "up to " + std::to_string(longest) + " letters"});
}

/// Tells on stderr what the scores are where they are no hypothetical contributions, and who is left out.
inline void tell_modisco(const std::string& prefix, const std::string& instead, dnalm::index_t dropped,
                         dnalm::index_t rows, dnalm::index_t width) {
  if (!instead.empty()) {
    std::fprintf(stderr, "dnalm-attribute: %s.attr.npz holds %s\n", prefix.c_str(), instead.c_str());
  }
  if (dropped == 0) return;
  std::fprintf(
      stderr,
      "dnalm-attribute: %lld of %lld sequences are not in %s.*.npz: shorter than %lld letters, or N\n",
      static_cast<long long>(dropped), static_cast<long long>(rows), prefix.c_str(),
      static_cast<long long>(width));
}

}  // namespace program
