// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What dnalm-attribute says of motifs: their sites in the sequences, and whether the maps find them.
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <dnalm/attribution/attribution_file.hpp>
#include <dnalm/attribution/motif_recovery.hpp>
#include <dnalm/attribution/motif_scan.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/leftovers.hpp>
#include <dnalm/io/motif_file.hpp>
#include <dnalm/io/table_writer.hpp>
#include <dnalm/io/track.hpp>
#include <dnalm/report/attribution_page.hpp>
#include <dnalm/report/sequence_logo.hpp>

#include <support/attribution_outputs.hpp>
#include <support/output_places.hpp>
#include <support/plain_text.hpp>

namespace program {

/// `--motifs`, `--motif-threshold`, `--motif-hits`, `--motif-recovery`.
struct motif_options {
  std::string file = {};
  double threshold = 1e-4;
  std::string hits = {};
  std::string recovery = "-";
};

inline void add_motif_options(CLI::App& app, motif_options& m) {
  app.option_defaults()->group("Motifs");
  auto* file = app.add_option("--motifs", m.file,
                              "Motifs to look for in the sequences, or to plant (global_importance):\n"
                              "a MEME file or JASPAR count matrices")
                   ->type_name("FILE");
  app.add_option("--motif-threshold", m.threshold, "Largest p-value of a site (of one place on one strand)")
      ->capture_default_str()
      ->check(CLI::Range(1e-300, 1.0))
      ->needs(file);
  app.add_option("--motif-hits", m.hits, "Sites: BED with p-value, score in bits and mean attribution")
      ->type_name("FILE")
      ->needs(file);
  app.add_option("--motif-recovery", m.recovery,
                 "Table of how the maps are larger inside sites than outside; - is standard output")
      ->capture_default_str()
      ->type_name("FILE")
      ->needs(file);
  app.option_defaults()->group("Options");
}

namespace detail {

/// `MA0139.2.CTCF` of both names, or the one that says it all.
[[nodiscard]] inline std::string motif_label(const dnalm::io::motif& motif) {
  if (motif.alternate.empty()) return motif.name;
  const bool says_all = motif.alternate == motif.name || motif.alternate.starts_with(motif.name + ".");
  return says_all ? motif.alternate : motif.name + "." + motif.alternate;
}

/// -10 log10 p, rounded, at most 1000: the score of a line of BED.
[[nodiscard]] inline long bed_score(double p_value) {
  return p_value > 0 ? std::lround(std::min(1000.0, -10 * std::log10(p_value))) : 1000;
}

/// A name as the first field of a line of BED: no blanks, and no `#` at its start, which begins a remark.
[[nodiscard]] inline std::string bed_name(std::string name) {
  for (char& letter : name) {
    if (static_cast<unsigned char>(letter) <= ' ') letter = '_';
  }
  if (name.starts_with('#')) name.front() = '_';
  return name;
}

/// \throws error [dnalm.input.199] a motif whose name begins no row of a table.
inline void check_names(const dnalm::io::motif_list& list, const std::string& file) {
  for (std::size_t m = 0; m < list.motifs.size(); ++m) {
    const std::string& name = list.motifs[m].name;
    if (!name.starts_with('#') && !name.starts_with("\xEF\xBB\xBF")) continue;
    throw dnalm::error(dnalm::error_kind::input, 199, "the name of a motif cannot begin a line of a table",
                       {.where = file + ", motif " + std::to_string(m + 1),
                        .expected = "a name that does not begin with # or a byte order mark",
                        .found = "\"" + name + "\""});
  }
}

}  // namespace detail

/// The sites of a row, for people.
struct row_sites {
  std::string words = {};
  std::vector<dnalm::report::logo_mark> marks = {};
};

/// Scans the rows of a run for motifs and compares the maps inside sites with those outside.
class motif_report {
 public:
  /// Reads the motifs and sees that both tables can be written. \throws error [dnalm.input.199], and as
  /// io::read_motifs, motif_scorer and io::atomic_file.
  motif_report(motif_options options, map_reading reading)
      : options_(std::move(options)), reading_(reading), list_(dnalm::io::read_motifs(options_.file)) {
    detail::check_names(list_, options_.file);
    try_file(options_.recovery);
    dnalm::motif_score_options scores;
    if (list_.background) scores.background = *list_.background;
    scores.largest_p_value = options_.threshold;
    for (const dnalm::io::motif& motif : list_.motifs) scorers_.emplace_back(motif, scores);
    collector_.emplace(scorers_);
    if (options_.hits.empty()) return;
    dnalm::io::remove_leftovers(options_.hits);
    bed_.emplace(options_.hits);
    bed_->write("#chrom\tstart\tend\tmotif\tscore\tstrand\tp_value\tlog_odds\tmean_attribution\tsequence\n");
  }

  /// Finds the sites of a row.
  [[nodiscard]] row_sites add(const dnalm::attribution_row& row) {
    const std::vector<double> numbers = weights_of_bases(row, reading_);
    const auto hits = dnalm::find_motifs(scorers_, row.sequence, options_.threshold);
    collector_->add(row.sequence, numbers, hits);
    hits_ += static_cast<dnalm::index_t>(hits.size());
    if (bed_) {
      for (const dnalm::motif_hit& hit : hits) bed_->write(bed_line(row, hit, numbers));
    }
    return {in_words(hits), marks_of(hits)};
  }

  /// The table of the page: of many motifs those whose maps differ most surely.
  [[nodiscard]] dnalm::report::page_table page_table() const {
    std::vector<std::pair<dnalm::motif_recovery, std::size_t>> found;
    for (std::size_t m = 0; m < scorers_.size(); ++m) {
      found.emplace_back(collector_->result(static_cast<dnalm::index_t>(m)), m);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {  // NaN behind all
      return a.first.paired_p_value < b.first.paired_p_value ||
             (std::isnan(b.first.paired_p_value) && !std::isnan(a.first.paired_p_value));
    });
    dnalm::report::page_table table;
    table.title = "Motifs";
    table.explanation = explanation(found.size());
    table.columns = {"motif", "sites",       "sequences", "inside / outside",
                     "AUROC", "by sequence", "control",   "p"};
    for (const auto& [motif, number] : found) {
      if (table.rows.size() == most_rows) break;
      table.rows.push_back({detail::motif_label(list_.motifs[number]), std::to_string(motif.hits),
                            std::to_string(motif.sequences),
                            short_text(motif.mean_inside / motif.mean_outside), short_text(motif.auroc),
                            short_text(motif.mean_auroc), short_text(motif.control_auroc),
                            short_text(motif.paired_p_value)});
    }
    return table;
  }

  /// Writes both tables, the sites first; says on stderr when nothing was found.
  void finish(const std::string& method) {
    if (bed_) bed_->commit();
    dnalm::io::table_writer table(
        options_.recovery,
        {"motif", "name", "hits", "sequences", "bases_inside", "bases_outside", "mean_inside", "mean_outside",
         "auroc", "p_value", "mean_auroc", "control_auroc", "paired_p_value"},
        {"method " + method + ", " + std::to_string(collector_->sequences()) +
             " sequences, sites with p <= " + number_text(options_.threshold),
         "sizes of the numbers inside sites against those outside, in sequences "
         "with a site"});
    for (std::size_t m = 0; m < scorers_.size(); ++m) {
      const auto found = collector_->result(static_cast<dnalm::index_t>(m));
      table.row({list_.motifs[m].name, list_.motifs[m].alternate, std::to_string(found.hits),
                 std::to_string(found.sequences), std::to_string(found.bases_inside),
                 std::to_string(found.bases_outside), number_text(found.mean_inside),
                 number_text(found.mean_outside), number_text(found.auroc), number_text(found.p_value),
                 number_text(found.mean_auroc), number_text(found.control_auroc),
                 number_text(found.paired_p_value)});
    }
    table.commit();
    if (hits_ > 0) return;
    std::fprintf(stderr, "dnalm-attribute: no site of any motif of %s in %lld sequences, p <= %g\n",
                 options_.file.c_str(), static_cast<long long>(collector_->sequences()), options_.threshold);
  }

  /// For the conventions of the run.
  [[nodiscard]] std::string convention() const {
    return std::to_string(scorers_.size()) +
           " motifs, both strands, p <= " + number_text(options_.threshold) + " at a place, background " +
           (list_.background ? "of the file" : "uniform");
  }

 private:
  static constexpr std::size_t most_rows = 50;
  static constexpr std::size_t most_words = 8;

  [[nodiscard]] std::string explanation(std::size_t motifs) const {
    std::string words =
        "Sizes of the numbers of bases inside sites of a motif (" + convention() +
        ") against those outside, in sequences with a site. By sequence: the mean of the AUROC within each; "
        "control: with the sites of another sequence in their place; p: of the difference, by a paired t "
        "test.";
    if (hits_ == 0) words += " No site was found.";
    if (motifs > most_rows) words += " The " + std::to_string(most_rows) + " motifs with the smallest p.";
    return words;
  }

  [[nodiscard]] std::string in_words(const std::vector<dnalm::motif_hit>& hits) const {
    std::string words;
    for (std::size_t i = 0; i < hits.size() && i < most_words; ++i) {
      const auto m = static_cast<std::size_t>(hits[i].motif);
      const dnalm::index_t first = hits[i].start + 1;
      words += (i == 0 ? "" : "; ") + detail::motif_label(list_.motifs[m]) + " " + std::to_string(first) +
               " to " + std::to_string(hits[i].start + scorers_[m].width()) +
               (hits[i].reverse ? " on the other strand" : "") + ", p " + short_text(hits[i].p_value);
    }
    if (hits.size() > most_words) words += "; " + std::to_string(hits.size() - most_words) + " more";
    return words.empty() ? "none" : words;
  }

  [[nodiscard]] std::vector<dnalm::report::logo_mark> marks_of(
      const std::vector<dnalm::motif_hit>& hits) const {
    std::vector<dnalm::report::logo_mark> marks;
    for (const dnalm::motif_hit& hit : hits) {
      const auto m = static_cast<std::size_t>(hit.motif);
      const dnalm::io::motif& motif = list_.motifs[m];
      const std::string label = (motif.alternate.empty() ? motif.name : motif.alternate);
      marks.push_back({hit.start, scorers_[m].width(), label + (hit.reverse ? " \u2190" : " \u2192"),
                       detail::motif_label(motif) + ", p " + short_text(hit.p_value)});
    }
    return marks;
  }

  /// Along the chromosome where the sequence's name says where it comes from, else along the sequence.
  [[nodiscard]] std::string bed_line(const dnalm::attribution_row& row, const dnalm::motif_hit& hit,
                                     const std::vector<double>& numbers) const {
    const auto m = static_cast<std::size_t>(hit.motif);
    const dnalm::index_t width = scorers_[m].width();
    const auto region = dnalm::io::region_of_name(row.name, static_cast<dnalm::index_t>(row.sequence.size()));
    const bool turned = region && region->reverse;
    const dnalm::index_t start = !region  ? hit.start
                                 : turned ? region->end - hit.start - width
                                          : region->start + hit.start;
    std::string line = detail::bed_name(region ? region->chromosome : row.name);
    for (const std::string& field :
         {std::to_string(start), std::to_string(start + width),
          detail::bed_name(detail::motif_label(list_.motifs[m])),
          std::to_string(detail::bed_score(hit.p_value)), std::string(hit.reverse != turned ? "-" : "+"),
          number_text(hit.p_value), number_text(hit.score),
          number_text(dnalm::mean_over_site(numbers, hit.start, width)), row.name}) {
      line += "\t" + field;
    }
    return line + "\n";
  }

  motif_options options_;
  map_reading reading_;
  dnalm::io::motif_list list_;
  std::vector<dnalm::motif_scorer> scorers_;
  std::optional<dnalm::motif_recovery_collector> collector_;
  std::optional<dnalm::io::atomic_file> bed_;
  dnalm::index_t hits_ = 0;
};

}  // namespace program
