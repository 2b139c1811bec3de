// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Global importance analysis in dnalm-attribute: what planted motifs do to a target.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/global_importance.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/progress.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_record.hpp>
#include <dnalm/io/table_writer.hpp>
#include <dnalm/metrics/mann_whitney.hpp>
#include <dnalm/report/attribution_page.hpp>
#include <dnalm/report/line_chart.hpp>
#include <support/attribution_planting_options.hpp>
#include <support/attribution_shuffles.hpp>
#include <support/interrupt.hpp>
#include <support/output_places.hpp>
#include <support/plain_text.hpp>
#include <support/sequence_names.hpp>

namespace program {

/// What planted motifs do to a target, averaged over backgrounds: tables and a drawing.
class planting_report {
 public:
  /// Reads the motifs and sees that the table can be written. \throws error [dnalm.usage.734],
  /// [dnalm.usage.735]; as io::read_motifs, consensus_letters and io::atomic_file.
  planting_report(planting_options options, const std::string& motif_file, std::uint64_t seed)
      : options_(std::move(options)),
        seed_(seed),
        motifs_(detail::letters_to_plant(options_, motif_file)),
        from_file_(!motif_file.empty()) {
    if (!options_.positions.empty()) positions_ = detail::parse_places("--positions", options_.positions);
    if (!options_.spacings.empty()) gaps_ = detail::parse_places("--spacings", options_.spacings);
    if ((options_.copies && positions_.empty()) || (!gaps_.empty() && positions_.size() > 1)) {
      throw dnalm::error(dnalm::error_kind::usage, 735, "these positions do not suit what is planted",
                         {.where = "--positions",
                          .expected = options_.copies ? "as many as there are copies"
                                                      : "one, of the first of two motifs (--spacings)",
                          .found = std::to_string(positions_.size())});
    }
    try_file(options_.effects);
  }

  /// Whether the input has as many sequences as are to be planted in as they are.
  /// \throws error [dnalm.usage.735] fewer sequences than `--backgrounds` of `--background given`.
  void check_number(std::size_t sequences) const {
    if (options_.background != "given" || options_.backgrounds <= static_cast<dnalm::index_t>(sequences)) {
      return;
    }
    throw dnalm::error(dnalm::error_kind::usage, 735, "fewer sequences than backgrounds",
                       {.where = "--background given",
                        .expected = "--backgrounds of " + std::to_string(sequences) + " at most",
                        .found = std::to_string(options_.backgrounds)});
  }

  /// Computes all effects. What does not fit the shortest background is told before anything is evaluated.
  /// \throws as global_importance.
  void run(const dnalm::attribution_targets& targets, const dnalm::run_options& means,
           const std::vector<dnalm::io::sequence_record>& records, dnalm::progress_display display) {
    target_ = targets.name(0);
    target_scale_ = targets.scale_words();
    std::vector<std::string> backgrounds = backgrounds_of(records);
    const std::string shortest = *std::min_element(
        backgrounds.begin(), backgrounds.end(),
        [](const std::string& one, const std::string& other) { return one.size() < other.size(); });
    if (!gaps_.empty()) positions_ = places_of(motifs_.front(), shortest);
    check_fit(shortest);
    const std::size_t points =
        gaps_.empty() ? motifs_.size() * std::max<std::size_t>(1, positions_.size()) : 1 + 2 * gaps_.size();
    dnalm::progress bar("global_importance", static_cast<dnalm::index_t>(backgrounds.size() * (1 + points)),
                        display);
    dnalm::sequence_function function = targets.function(means);
    function.evaluate = [inner = function.evaluate, &bar](std::span<const std::string> sequences,
                                                          std::span<double> values) {
      stop_if_interrupted();
      inner(sequences, values);
      bar.advance(static_cast<dnalm::index_t>(sequences.size()));
    };
    const auto name_of = [&](dnalm::index_t i) { return background_name(records, i); };
    const auto importance = with_names(
        name_of, [&] { return dnalm::global_importance(std::move(function), std::move(backgrounds)); });
    backgrounds_ = importance.backgrounds();
    values_ = importance.values();
    for (const auto& motif : curves()) {
      const auto places = places_of(motif, shortest);
      add(motif, x_of(places), with_names(name_of, [&] { return curve_of(importance, motif, places); }));
    }
    bar.finish();
  }

  /// For the npz and the page.
  [[nodiscard]] std::map<std::string, std::string> conventions() const {
    const std::string kinds = options_.background == "shuffles" ? "dinucleotide shuffles of the input"
                              : options_.background == "profile"
                                  ? "independent letters as frequent as at each position of the input"
                                  : "the input as it is";
    std::map<std::string, std::string> texts = {
        {"method", "global_importance"},
        {"target", target_},
        {"target_scale", target_scale_},
        {"seed", std::to_string(seed_)},
        {"backgrounds", std::to_string(backgrounds_.size()) + ", " + kinds},
        {"x", x_label()},
        {"effects", gaps_.empty() ? "f(background with motif) - f(background)"
                                  : "f(both) - f(first) - f(second) + f(neither)"},
        {"p_value", "paired t test of the mean effect against 0"}};
    if (gaps_.empty()) {
      texts["rank_p_value"] = "Mann-Whitney test of values with and without, both sides";
      texts["share"] = "AUROC of values with against values without";
    } else {
      texts["first_position"] = std::to_string(positions_.front());
    }
    if (shuffles_) texts["distinct_shuffles"] = shuffles_->words();
    if (from_file_)
      texts["motifs"] = "letters with more than half of their column, N elsewhere and untouched";
    return texts;
  }

  void write_arrays(const std::string& path) const {
    dnalm::io::npz_writer file(path);
    const std::string text =
        nlohmann::json(conventions()).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    file.add<std::uint8_t>("conventions", std::vector<std::uint8_t>(text.begin(), text.end()),
                           {static_cast<dnalm::index_t>(text.size())});
    std::vector<std::string> names;
    std::vector<std::string> letters;
    std::vector<dnalm::index_t> places;
    std::vector<double> effects;
    std::map<std::string, std::vector<double>> numbers;
    for (const point& each : points_) {
      names.push_back(each.motif.name);
      letters.push_back(each.motif.letters);
      places.push_back(each.x);
      effects.insert(effects.end(), each.effects.begin(), each.effects.end());
      numbers["mean"].push_back(each.test.mean);
      numbers["standard_error"].push_back(each.test.standard_error);
      numbers["p_value"].push_back(each.test.p_value);
      numbers["share"].push_back(each.share);
      numbers["rank_p_value"].push_back(each.rank_p_value);
    }
    const auto rows = static_cast<dnalm::index_t>(points_.size());
    const auto columns = static_cast<dnalm::index_t>(backgrounds_.size());
    file.add_strings("names", names);
    file.add_strings("letters", letters);
    file.add("x", places, {rows});
    for (const auto& [name, values] : numbers) file.add(name, values, {rows});
    file.add("effects", effects, {rows, columns});
    file.add_strings("backgrounds", backgrounds_);
    file.add("background_values", values_, {columns});
    if (shuffles_) file.add("distinct_shuffles", distinct_, {columns});
    file.finish();
  }

  /// Sequences with few distinct shuffles, on stderr.
  void tell() const {
    if (shuffles_) shuffles_->tell();
  }

  void write_table() const {
    dnalm::io::table_writer table(options_.effects, columns(), {"global_importance of " + target_});
    for (const point& each : points_) table.row(fields_of(each));
    table.commit();
  }

  /// The curves of the motifs with the largest effects.
  [[nodiscard]] std::string drawing() const {
    dnalm::report::line_chart chart;
    chart.title = "Effect of planted motifs on " + target_;
    chart.description = explanation();
    chart.x_label = x_label();
    chart.y_label = gaps_.empty() ? "mean effect" : "mean interaction";
    chart.id = "effects";
    chart.label_best = false;
    std::vector<double> sizes;
    for (const point& each : points_) {
      if (chart.curves.empty() || chart.curves.back().name != each.motif.name) {
        chart.curves.push_back({.name = each.motif.name});
        sizes.push_back(0);
      }
      const double wide = 2 * each.test.standard_error;
      chart.curves.back().points.push_back(
          {static_cast<double>(each.x), each.test.mean, each.test.mean - wide, each.test.mean + wide});
      sizes.back() = std::max(sizes.back(), std::abs(each.test.mean));
    }
    std::vector<double> sorted = sizes;
    std::sort(sorted.rbegin(), sorted.rend());
    const double least = sorted[std::min(most_curves, sorted.size()) - 1];
    std::vector<dnalm::report::chart_curve> kept;
    for (std::size_t i = 0; i < sizes.size() && kept.size() < most_curves; ++i) {
      if (sizes[i] < least) continue;
      chart.curves[i].colour = static_cast<dnalm::index_t>(kept.size());
      std::stable_sort(chart.curves[i].points.begin(), chart.curves[i].points.end(),
                       [](const auto& one, const auto& other) { return one.x < other.x; });
      kept.push_back(chart.curves[i]);
    }
    chart.curves = std::move(kept);
    return draw(chart);
  }

  [[nodiscard]] std::string explanation() const {
    std::string words = gaps_.empty()
                            ? "What planting a motif changes of the target, the mean over the backgrounds"
                            : "What two motifs do to the target together beyond what each does alone, the "
                              "mean over the backgrounds";
    words += "; bands are two standard errors to each side.";
    if (gaps_.empty() && motifs_.size() > most_curves) {
      words += " Of " + std::to_string(motifs_.size()) + " motifs the " + std::to_string(most_curves) +
               " with the largest effects are drawn.";
    }
    return words;
  }

  /// The drawing and a table for the page. `about` has the rest.
  void write_page(const std::string& path, dnalm::report::attribution_summary about) const {
    about.lead = std::to_string(motifs_.size()) + (motifs_.size() == 1 ? " motif in " : " motifs in ") +
                 std::to_string(backgrounds_.size()) + " backgrounds";
    about.explanation = explanation();
    dnalm::report::page_table table;
    table.title = "Effects";
    table.explanation =
        gaps_.empty() ? "p: of the mean, by a paired t test; share: how often a value with the motif is "
                        "larger than one without, and its p by a Mann-Whitney test."
                      : "p: of the mean interaction, by a paired t test.";
    if (points_.size() > most_rows) {
      table.explanation +=
          " The first " + std::to_string(most_rows) + " of " + std::to_string(points_.size()) + " rows.";
    }
    table.columns = {"motif", x_name(), "mean", "standard error", "p", "share", "p of share"};
    for (std::size_t i = 0; i < points_.size() && i < most_rows; ++i) {
      const point& each = points_[i];
      table.rows.push_back({each.motif.name, std::to_string(each.x), short_text(each.test.mean),
                            short_text(each.test.standard_error), short_text(each.test.p_value),
                            short_text(each.share), short_text(each.rank_p_value)});
    }
    about.tables = {table};
    about.drawings_first = true;
    const std::vector<dnalm::report::attribution_item> items = {
        {"Curves", {{"backgrounds", conventions().at("backgrounds")}}, drawing()}};
    dnalm::io::write_file(path, dnalm::report::attribution_page(about, items));
  }

 private:
  static constexpr std::size_t most_curves = 6;
  static constexpr std::size_t most_rows = 200;

  /// An effect of one motif, or of a pair, at one place of the curve.
  struct point {
    detail::named_letters motif = {};
    dnalm::index_t x = 0;
    dnalm::metrics::mean_test test = {};
    std::vector<double> effects = {};
    double share = 0;
    double rank_p_value = 0;
  };

  [[nodiscard]] std::string x_name() const {
    return !gaps_.empty() ? "gap" : options_.copies ? "copies" : "position";
  }
  [[nodiscard]] std::string x_label() const {
    return !gaps_.empty()    ? "gap (bases between the motifs)"
           : options_.copies ? "copies"
                             : "position (of the first letter, from 0)";
  }
  [[nodiscard]] std::vector<std::string> columns() const {
    return {"motif",          "letters", x_name(),  "backgrounds", "mean",
            "standard_error", "t",       "p_value", "share",       "rank_p_value"};
  }
  [[nodiscard]] static std::vector<std::string> fields_of(const point& each) {
    return {each.motif.name,
            each.motif.letters,
            std::to_string(each.x),
            std::to_string(each.test.count),
            number_text(each.test.mean),
            number_text(each.test.standard_error),
            number_text(each.test.t),
            number_text(each.test.p_value),
            number_text(each.share),
            number_text(each.rank_p_value)};
  }

  /// What has a curve: each motif, or the two of which interactions are asked for.
  [[nodiscard]] std::vector<detail::named_letters> curves() const {
    if (gaps_.empty()) return motifs_;
    return {{motifs_[0].name + " and " + motifs_[1].name, motifs_[0].letters + "," + motifs_[1].letters}};
  }

  /// The positions that were asked for, else that of a motif in the middle.
  [[nodiscard]] std::vector<dnalm::index_t> places_of(const detail::named_letters& motif,
                                                      const std::string& background) const {
    if (!positions_.empty()) return positions_;
    const std::size_t width = motif.letters.size();
    return {background.size() > width ? static_cast<dnalm::index_t>((background.size() - width) / 2) : 0};
  }

  /// Gaps, numbers of copies, or the positions themselves.
  [[nodiscard]] std::vector<dnalm::index_t> x_of(std::vector<dnalm::index_t> places) const {
    if (!gaps_.empty()) return gaps_;
    if (options_.copies) std::iota(places.begin(), places.end(), dnalm::index_t{1});
    return places;
  }

  [[nodiscard]] std::vector<dnalm::global_effect> curve_of(const dnalm::global_importance& importance,
                                                           const detail::named_letters& motif,
                                                           const std::vector<dnalm::index_t>& places) const {
    if (!gaps_.empty()) {
      return importance.spacing_curve({motifs_[0].letters, places[0]}, motifs_[1].letters, gaps_);
    }
    return options_.copies ? importance.multiplicity_curve(motif.letters, places)
                           : importance.position_curve(motif.letters, places);
  }

  /// Every curve of a function that is 0, in the shortest background. \throws error [dnalm.input.882].
  void check_fit(const std::string& shortest) const {
    const dnalm::global_importance none({.evaluate = [](std::span<const std::string>, std::span<double>) {}},
                                        {shortest, shortest});
    for (const auto& motif : curves()) {
      static_cast<void>(curve_of(none, motif, places_of(motif, shortest)));
    }
  }

  [[nodiscard]] std::vector<std::string> backgrounds_of(
      const std::vector<dnalm::io::sequence_record>& records) {
    std::vector<std::string> sequences;
    for (const auto& record : records) sequences.push_back(record.sequence);
    const dnalm::index_t count = options_.backgrounds > 0 ? options_.backgrounds : 100;
    if (options_.background == "shuffles") {
      auto backgrounds = dnalm::shuffled_backgrounds(sequences, count, 2, seed_);
      count_shuffles(records, backgrounds.size());
      return backgrounds;
    }
    if (options_.background == "profile") return dnalm::profile_backgrounds(sequences, count, seed_);
    if (options_.backgrounds > 0 && sequences.size() > static_cast<std::size_t>(count)) {
      sequences.resize(static_cast<std::size_t>(count));
    }
    return sequences;
  }

  /// What an error calls background `i`.
  [[nodiscard]] std::string background_name(const std::vector<dnalm::io::sequence_record>& records,
                                            dnalm::index_t i) const {
    if (options_.background == "profile") return "background " + std::to_string(i + 1);
    const std::string& name = records[static_cast<std::size_t>(i) % records.size()].name;
    return options_.background == "shuffles" ? name + ", shuffled" : name;
  }

  /// How many distinct shuffles the sequences have that `count` backgrounds are taken from in turn; equal
  /// sequences share theirs.
  void count_shuffles(const std::vector<dnalm::io::sequence_record>& records, std::size_t count) {
    shuffles_.emplace();
    const std::size_t used = std::min(records.size(), count);
    std::map<std::string_view, dnalm::index_t> taken;
    for (std::size_t i = 0; i < count; ++i) ++taken[records[i % used].sequence];
    for (std::size_t i = 0; i < count; ++i) {
      const auto& record = records[i % used];
      distinct_.push_back(i < used ? distinct_shuffles(record.sequence) : distinct_[i - used]);
      if (i < used) shuffles_->add(record.name, distinct_[i], taken[record.sequence]);
    }
  }

  void add(const detail::named_letters& motif, const std::vector<dnalm::index_t>& places,
           const std::vector<dnalm::global_effect>& curve) {
    for (std::size_t i = 0; i < curve.size(); ++i) {
      point made{motif, places[i], curve[i].outputs[0], curve[i].effects};
      made.share = made.rank_p_value = std::numeric_limits<double>::quiet_NaN();
      if (gaps_.empty()) {
        std::vector<double> with = values_;
        for (std::size_t n = 0; n < with.size(); ++n) with[n] += made.effects[n];
        const auto ranks = dnalm::metrics::mann_whitney(with, values_);
        made.share = ranks.share;
        made.rank_p_value = ranks.p_value;
      }
      points_.push_back(std::move(made));
    }
  }

  planting_options options_;
  std::uint64_t seed_;
  std::vector<detail::named_letters> motifs_;
  bool from_file_;
  std::vector<dnalm::index_t> positions_ = {};
  std::vector<dnalm::index_t> gaps_ = {};
  std::string target_ = {};
  std::string target_scale_ = {};
  std::vector<std::string> backgrounds_ = {};
  std::vector<double> values_ = {};
  std::optional<shuffle_tally> shuffles_ = {};  // of shuffled backgrounds
  std::vector<double> distinct_ = {};           // by background
  std::vector<point> points_ = {};
};

}  // namespace program
