// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Options of dnalm-attribute that say which of the model's own predictions is explained.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include <dnalm/attribution/attribution_targets.hpp>

namespace program {

struct prediction_options {
  dnalm::index_t logit = -1;  ///< a column; -1: a probe is explained
  std::string head;
  std::string rows;
  std::string scale = "linear";
};

namespace detail {

/// `FIRST:END`, or `K` for K:K+1; nothing where the text is neither.
[[nodiscard]] inline std::optional<dnalm::row_interval> parse_rows(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto number = [](const std::string& word) -> dnalm::index_t {
    const bool digits =
        !word.empty() && word.size() <= 12 && word.find_first_not_of("0123456789") == std::string::npos;
    return digits ? std::stoll(word) : -1;
  };
  const dnalm::index_t first = number(text.substr(0, colon));
  const dnalm::index_t end = colon == std::string::npos ? first + 1 : number(text.substr(colon + 1));
  if (first < 0 || end <= first) return std::nullopt;
  return dnalm::row_interval{first, end};
}

}  // namespace detail

inline void add_prediction_options(CLI::App& app, prediction_options& p, CLI::Option* probe) {
  auto* logit = app.add_option("--logit", p.logit,
                               "In place of a probe: a column of what the model itself predicts, from 0")
                    ->check(CLI::Range(0, 100000000))
                    ->excludes(probe);
  app.add_option("--head", p.head, "Which of several predictions, by its name [the first]")
      ->type_name("NAME")
      ->needs(logit);
  app.add_option("--rows", p.rows, "The mean over these rows of it, from 0, END not among them [all]")
      ->type_name("FIRST:END")
      ->check(
          [](const std::string& text) {
            return detail::parse_rows(text) ? std::string() : "FIRST:END, from 0 on, END behind FIRST";
          },
          "")
      ->needs(logit);
  app.add_option("--scale", p.scale,
                 "linear: what its last sigmoid, softmax or the like is applied to; prediction: behind it")
      ->capture_default_str()
      ->check(CLI::IsMember({"linear", "prediction"}))
      ->needs(logit);
}

[[nodiscard]] inline dnalm::prediction_choice choice_of(const prediction_options& p) {
  return {.head = p.head,
          .rows = detail::parse_rows(p.rows),
          .scale = p.scale == "prediction" ? dnalm::target_scale::prediction : dnalm::target_scale::linear};
}

}  // namespace program
