// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief What dnalm-attribute plants and where: the options of global importance analysis.
#pragma once

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <dnalm/attribution/global_importance.hpp>
#include <dnalm/core/error.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/motif_file.hpp>
#include <support/attribution_motifs.hpp>

namespace program {

/// `--insert`, `--background`, `--backgrounds`, `--positions`, `--copies`, `--spacings`, `--effects`.
struct planting_options {
  std::string insert = {};
  std::string background = "shuffles";
  dnalm::index_t backgrounds = 0;
  std::string positions = {};
  bool copies = false;
  std::string spacings = {};
  std::string effects = "-";
};

inline void add_planting_options(CLI::App& app, planting_options& p) {
  app.option_defaults()->group("Global importance");
  app.add_option("--insert", p.insert,
                 "Letters to plant, in place of the consensus of --motifs; N leaves what is there")
      ->type_name("SEQ[,SEQ...]");
  app.add_option("--background", p.background,
                 "What of --input they are planted in: shuffles (dinucleotides kept), profile (letters as\n"
                 "frequent as at each position), given (the sequences themselves)")
      ->capture_default_str()
      ->check(CLI::IsMember({"shuffles", "profile", "given"}));
  app.add_option("--backgrounds", p.backgrounds, "How many [100; of given all]")
      ->check(CLI::Range(2, 10000000));
  app.add_option("--positions", p.positions,
                 "Of the first letter, from 0: numbers, and first:last:step with the last [the middle]")
      ->type_name("LIST");
  auto* copies = app.add_flag("--copies", p.copies, "Plant 1, 2, ... of one motif, at the first positions");
  app.add_option("--spacings", p.spacings,
                 "Interaction of two motifs: bases between the end of the first, at the position, and the\n"
                 "second; below 0 the second stands before, -1 next to it. As --spacings=-9:-1")
      ->type_name("LIST")
      ->excludes(copies);
  app.add_option("--effects", p.effects, "Table of the effects; - is standard output")
      ->capture_default_str()
      ->type_name("FILE");
  app.option_defaults()->group("Options");
}

namespace detail {

/// \throws error [dnalm.usage.735].
[[noreturn]] inline void throw_list(const std::string& option, const std::string& text) {
  throw dnalm::error(dnalm::error_kind::usage, 735, "a list of places that cannot be read",
                     {.where = option,
                      .expected = "whole numbers and first:last or first:last:step, with commas between, "
                                  "100,000 places at most",
                      .found = "'" + text + "'"});
}

[[nodiscard]] inline std::vector<std::string> pieces_of(const std::string& text, char separator) {
  std::vector<std::string> pieces(1);
  for (const char letter : text) {
    if (letter == separator) {
      pieces.emplace_back();
    } else {
      pieces.back().push_back(letter);
    }
  }
  return pieces;
}

/// `0,20,40:60:5` as numbers. \throws error [dnalm.usage.735].
[[nodiscard]] inline std::vector<dnalm::index_t> parse_places(const std::string& option,
                                                              const std::string& text) {
  constexpr std::size_t most = 100000;
  std::vector<dnalm::index_t> places;
  for (const std::string& piece : pieces_of(text, ',')) {
    std::vector<dnalm::index_t> numbers;
    for (const std::string& word : pieces_of(piece, ':')) {
      const std::size_t sign = word.starts_with('-') ? 1 : 0;
      const bool digits = word.size() > sign && word.size() - sign <= 12 &&
                          word.find_first_not_of("0123456789", sign) == std::string::npos;
      if (!digits) throw_list(option, text);
      numbers.push_back(std::stoll(word));
    }
    if (numbers.size() == 1) numbers.push_back(numbers[0]);
    if (numbers.size() == 2) numbers.push_back(1);
    if (numbers.size() != 3 || numbers[1] < numbers[0] || numbers[2] < 1) throw_list(option, text);
    for (dnalm::index_t place = numbers[0]; place <= numbers[1]; place += numbers[2]) {
      if (places.size() == most) throw_list(option, text);
      places.push_back(place);
    }
  }
  return places;
}

/// Letters and what they are called.
struct named_letters {
  std::string name = {};
  std::string letters = {};
};

/// \throws error [dnalm.usage.734]; as io::read_motifs and consensus_letters.
[[nodiscard]] inline std::vector<named_letters> letters_to_plant(const planting_options& options,
                                                                 const std::string& motif_file) {
  if (options.insert.empty() == motif_file.empty()) {
    throw dnalm::error(dnalm::error_kind::usage, 734, "nothing, or two things, say what is planted",
                       {.expected = "either --insert or --motifs"});
  }
  std::vector<named_letters> all;
  if (!motif_file.empty()) {
    const auto list = dnalm::io::read_motifs(motif_file);
    check_names(list, motif_file);
    for (const auto& motif : list.motifs) {
      all.push_back({motif_label(motif), dnalm::consensus_letters(motif)});
    }
  } else {
    for (const std::string& letters : pieces_of(options.insert, ',')) all.push_back({letters, letters});
  }
  const bool empty = std::any_of(all.begin(), all.end(), [](const auto& each) {
    return each.letters.empty() || each.letters.find_first_not_of("ACGTNacgtn") != std::string::npos;
  });
  if (empty || (!options.spacings.empty() && all.size() != 2)) {
    throw dnalm::error(dnalm::error_kind::usage, 734, "these motifs cannot be planted",
                       {.where = empty ? "--insert" : "--spacings",
                        .expected = empty ? "letters A, C, G, T, N, with commas between" : "two motifs",
                        .found = empty ? "'" + options.insert + "'" : std::to_string(all.size())});
  }
  return all;
}

}  // namespace detail

}  // namespace program
