// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Bodies of report/html.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <dnalm/core/error.hpp>
#include <dnalm/report/detail/page_parts.hpp>
#include <dnalm/report/figures.hpp>
#include <dnalm/report/html.hpp>
#include <dnalm/report/text.hpp>

DNALM_BEGIN_NAMESPACE
namespace report {
namespace detail {

/// `layer 4, mean pooling, ridge`; parts that a source lacks are left out.
DNALM_INLINE std::string place_in_words(const result_row& row) {
  std::string words = row.layer == "-" ? "" : "layer " + row.layer + ", ";
  if (row.pooling != "-") words += row.pooling + " pooling, ";
  return words + row.probe + " probe";
}

DNALM_INLINE std::string interval_in_words(const result_row& row, int digits) {
  if (!std::isfinite(row.ci_low) || !std::isfinite(row.ci_high)) return "no interval";
  return rounded_text(row.ci_low, digits) + " to " + rounded_text(row.ci_high, digits);
}

/// Decimals for a metric: enough to see differences, more for small errors.
DNALM_INLINE int digits_for(const result_row& row) {
  return row.metric == "mse" && std::abs(row.value) < 0.1 ? 5 : 3;
}

/// How `best` stands against `other`: above, below, or not told apart by their intervals.
DNALM_INLINE std::string comparison(const result_row& best, const result_row& other) {
  const bool lower = describe_metric(best.metric).lower_is_better;
  const bool above = lower ? best.ci_high < other.ci_low : best.ci_low > other.ci_high;
  const bool below = lower ? best.ci_low > other.ci_high : best.ci_high < other.ci_low;
  if (above) return "the model is clearly ahead, the intervals do not overlap";
  if (below) return "the model is clearly behind, the intervals do not overlap";
  return "no clear difference, the intervals overlap";
}

}  // namespace detail

DNALM_INLINE std::string finding_in_words(std::span<const result_row> rows, const std::string& target) {
  using namespace detail;
  const std::string metric = primary_metric(rows, target);
  const std::vector<result_row> best = best_layers(rows, target, metric);
  if (best.empty()) return "No score is defined for " + target + ".";
  const result_row* model = best_of(best, source_kind::model);
  const result_row* baseline = best_of(best, source_kind::baseline);
  const result_row* twin = best_of(best, source_kind::twin);
  const result_row* shown = model != nullptr ? model : baseline != nullptr ? baseline : twin;
  const int digits = digits_for(*shown);
  const std::string name = describe_metric(metric).name;
  std::string words = display_name(shown->model) + " predicts " + target + " with " + name + " " +
                      rounded_text(shown->value, digits) + " (95 % interval " +
                      interval_in_words(*shown, digits) + ") on " + grouped_text(shown->n_test) +
                      " test rows: " + place_in_words(*shown) + ".";
  if (model != nullptr && baseline != nullptr) {
    words += " The best baseline, " + display_name(baseline->model) + ", reaches " +
             rounded_text(baseline->value, digits) + " (" + interval_in_words(*baseline, digits) +
             "): " + comparison(*model, *baseline) + ".";
  }
  if (model != nullptr && twin != nullptr) {
    words += " The same network with random weights reaches " + rounded_text(twin->value, digits) + " (" +
             interval_in_words(*twin, digits) + "): " + comparison(*model, *twin) + ".";
  }
  return words;
}

namespace detail {

DNALM_INLINE std::string tile(const std::string& what, const result_row& row, bool first) {
  const int digits = digits_for(row);
  std::string inside = element("span", escape_markup(what), "what");
  inside += element("b", rounded_text(row.value, digits));
  inside += element("span", interval_in_words(row, digits) + " (95 %)");
  inside += element("span", escape_markup(display_name(row.model) + ": " + place_in_words(row)));
  return element("div", inside, first ? "tile first" : "tile") + "\n";
}

DNALM_INLINE std::string tiles(const std::vector<result_row>& best) {
  std::string inside;
  struct entry {
    source_kind kind;
    const char* what;
  };
  for (const entry e :
       {entry{source_kind::model, "Best of the model"}, entry{source_kind::baseline, "Best baseline"},
        entry{source_kind::twin, "Random weights"}}) {
    const result_row* row = best_of(best, e.kind);
    if (row != nullptr) inside += tile(e.what, *row, inside.empty());
  }
  return element("div", "\n" + inside, "tiles") + "\n";
}

/// The charts of a target: the primary metric open, the others folded away.
DNALM_INLINE std::string charts_of(const std::vector<figure>& figures, const std::string& target,
                                   const std::string& primary) {
  std::string open;
  std::string folded;
  std::string names;
  for (const figure& f : figures) {
    if (f.target != target) continue;
    line_chart chart = f.chart;
    chart.standalone = false;
    const std::string drawn = element("figure", "\n" + draw(chart)) + "\n";
    if (f.metric == primary) {
      open += drawn;
    } else {
      folded += drawn;
      names += (names.empty() ? "" : ", ") + describe_metric(f.metric).name;
    }
  }
  if (folded.empty()) return open;
  return open + element("details", element("summary", "Other metrics: " + names) + "\n" + folded) + "\n";
}

DNALM_INLINE std::string target_section(std::span<const result_row> rows, const std::vector<figure>& figures,
                                        const std::string& target) {
  const std::string primary = primary_metric(rows, target);
  std::string inside = element("h2", "Target: " + escape_markup(target)) + "\n";
  inside += element("p", escape_markup(finding_in_words(rows, target))) + "\n";
  inside += tiles(best_layers(rows, target, primary));
  inside += charts_of(figures, target, primary);
  return element("section", "\n" + inside) + "\n";
}

DNALM_INLINE bool same_place(const result_row& a, const result_row& b) {
  return a.model == b.model && a.layer == b.layer && a.pooling == b.pooling && a.probe == b.probe &&
         a.target == b.target;
}

DNALM_INLINE std::string metric_cell(std::span<const result_row> rows, const result_row& place,
                                     const std::string& metric) {
  for (const result_row& row : rows) {
    if (!same_place(row, place) || row.metric != metric) continue;
    const int digits = digits_for(row);
    return element("td", rounded_text(row.value, digits) + element("small", interval_in_words(row, digits)),
                   "number");
  }
  return element("td", "", "number");
}

/// One line per model, layer, pooling and probe; one column per metric; the best layer of each marked.
DNALM_INLINE std::string table_of(std::span<const result_row> all, const std::string& target) {
  std::vector<result_row> rows;
  std::copy_if(all.begin(), all.end(), std::back_inserter(rows),
               [&](const result_row& row) { return row.target == target; });
  const std::string primary = primary_metric(rows, target);
  const std::vector<result_row> best = best_layers(rows, target, primary);
  const std::vector<std::string> metrics = metrics_of(rows, target);
  std::string head;
  for (const char* name : {"model", "layer", "pooling", "probe"}) head += element("th", name);
  for (const std::string& metric : metrics) head += element("th", describe_metric(metric).name, "number");
  head += element("th", "penalty \u03bb", "number");
  std::string body;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const result_row& row = rows[i];
    if (i > 0 && same_place(rows[i - 1], row)) continue;
    std::string line;
    for (const std::string& word : {display_name(row.model), row.layer, row.pooling, row.probe}) {
      line += element("td", escape_markup(word));
    }
    std::span<const result_row> rest(rows.data() + i, std::min<std::size_t>(metrics.size(), rows.size() - i));
    for (const std::string& metric : metrics) line += metric_cell(rest, row, metric);
    char penalty[32];
    std::snprintf(penalty, sizeof penalty, "%.3g", row.lambda);
    line += element("td", penalty, "number");
    const bool is_best = std::any_of(
        best.begin(), best.end(), [&](const result_row& b) { return b.layer != "-" && same_place(b, row); });
    body += element("tr", line, is_best ? "best" : "") + "\n";
  }
  return element(
             "div",
             element("table", element("thead", element("tr", head)) + "\n" + element("tbody", "\n" + body)),
             "scroll") +
         "\n";
}

DNALM_INLINE std::string table_section(std::span<const result_row> rows) {
  std::string inside = element("h2", "All layers") + "\n";
  inside += element("p",
                    "Scores on the test part with 95 % bootstrap intervals; the best layer by the first "
                    "metric of each model is marked. The same numbers in full precision stand in "
                    "<code>results.tsv</code>.");
  for (const std::string& target : targets_of(rows)) {
    if (targets_of(rows).size() > 1) inside += element("h3", escape_markup(target));
    inside += table_of(rows, target);
  }
  return element("section", "\n" + inside) + "\n";
}

DNALM_INLINE std::string hashed(const hashed_file& file) {
  return file.name + (file.sha256.empty() ? "" : ", sha256 " + file.sha256);
}

DNALM_INLINE std::string making_section(const manifest& made) {
  std::string facts = fact("data", hashed(made.data));
  facts += fact("rows", grouped_text(made.rows) + ": " + grouped_text(made.train_rows) + " train, " +
                            grouped_text(made.valid_rows) + " valid, " + grouped_text(made.test_rows) +
                            " test (" + made.split + ")");
  for (const probed_source& source : made.sources) {
    facts += fact(source.name, source.description);
    for (const hashed_file& file : source.files) facts += fact("", hashed(file));
  }
  facts += fact("seed", std::to_string(made.seed));
  for (const setting& s : made.settings) facts += fact(s.name, s.value);
  for (const setting& s : software_versions()) facts += fact(s.name, s.value);
  for (const std::string& remark : made.remarks) facts += fact("remark", remark);
  return element("section", "\n" + element("h2", "How it was made") + "\n" +
                                element("pre", escape_markup(command_line(made.command))) + "\n" +
                                element("dl", "\n" + facts)) +
         "\n";
}

DNALM_INLINE std::string definitions(std::span<const result_row> rows) {
  std::vector<std::string> metrics;
  for (const std::string& target : targets_of(rows)) {
    for (const std::string& metric : metrics_of(rows, target)) {
      if (std::find(metrics.begin(), metrics.end(), metric) == metrics.end()) metrics.push_back(metric);
    }
  }
  std::string list;
  for (const std::string& metric : metrics) {
    const metric_words words = describe_metric(metric);
    list += fact(words.name, words.meaning);
  }
  return element("dl", "\n" + list) + "\n";
}

DNALM_INLINE std::string reading_section(std::span<const result_row> rows) {
  std::string inside = element("h2", "How to read it") + "\n";
  inside +=
      element("p",
              "A frozen model turned every sequence into one vector per layer; a small probe was fitted on "
              "these vectors and judged on test rows it never saw. A high score means the layer "
              "<em>holds</em> what the label needs in a form that the probe can read; it does not say that "
              "the model uses it.");
  inside += "\n" + definitions(rows);
  const char* cautions[] = {
      "Intervals resample test rows (whole groups, when the table has groups). They hold the fitted probe "
      "fixed, "
      "so they say nothing about another training set or seed.",
      "The best of many layers is a little too good: it was picked by the numbers it is judged by. Layers "
      "whose "
      "intervals overlap should be taken as equal; pick by the valid part when you need one.",
      "One-hot and k-mer counts say what the sequence itself gives away without any pre-training; the random "
      "twin says what the architecture alone gives. Only what goes beyond both was learnt in pre-training.",
      "Sequences that are alike (overlapping windows, both strands, repeats) must share a group, or the test "
      "part is not unseen."};
  std::string list;
  for (const char* caution : cautions) list += element("li", caution) + "\n";
  inside += element("ul", "\n" + list);
  return element("section", "\n" + inside) + "\n";
}

DNALM_INLINE std::string page_heading(const manifest& made) {
  std::string names;
  for (const probed_source& source : made.sources) names += (names.empty() ? "" : ", ") + source.name;
  if (names.empty()) names = "baselines";
  const std::string lead = made.data.name + ": " + grouped_text(made.rows) + " sequences, " +
                           grouped_text(made.test_rows) + " of them for testing";
  return element("h1", "What the layers of " + escape_markup(names) + " know") + "\n" +
         element("p", escape_markup(lead), "lead") + "\n";
}

}  // namespace detail

DNALM_INLINE std::string report_page(std::span<const result_row> rows, const manifest& made) {
  using namespace detail;
  if (rows.empty()) throw error(error_kind::input, 582, "a report has nothing to show", {});
  const std::vector<figure> figures = make_figures(rows);
  std::string body = page_heading(made);
  for (const std::string& target : targets_of(rows)) body += target_section(rows, figures, target);
  body += table_section(rows) + making_section(made) + reading_section(rows);
  body += element("footer", "Made by " + escape_markup(made.program) +
                                " " DNALM_VERSION_STRING
                                ". Beside this page: results.tsv, predictions.tsv, probes/, "
                                "figures/, manifest.json.");
  std::string names;
  for (const probed_source& source : made.sources) names += source.name + ", ";
  return whole_page(escape_markup(names + made.data.name + " - dnalm"), page_style() + chart_style(), body);
}

}  // namespace report
DNALM_END_NAMESPACE
