// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief Sequences with planted motifs, whose places are known: the truth that attribution is held against.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <dnalm/attribution/motif_scan.hpp>
#include <dnalm/core/philox.hpp>
#include <dnalm/core/types.hpp>
#include <dnalm/io/motif_file.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <dnalm/sequence/shuffle.hpp>

namespace dnalm_bench {

using dnalm::index_t;

/// A motif as the taps of a convolution: log2(p / (1/4)) bits for a letter of probability p in its column.
struct motif_filter {
  std::string name = {};
  index_t width = 0;
  std::vector<double> letters = {};  ///< (width, 4) probabilities
  std::vector<double> scores = {};   ///< (width, 4) bits
  double threshold = 0;              ///< bits; of all words, 1 in 10,000 scores as much

  /// The sum over the columns, of the word at `start`.
  [[nodiscard]] double score(std::string_view sequence, index_t start) const {
    double sum = 0;
    for (index_t j = 0; j < width; ++j) {
      const int letter = dnalm::base_code(sequence[static_cast<std::size_t>(start + j)]);
      sum += scores[static_cast<std::size_t>(4 * j + letter)];
    }
    return sum;
  }
};

/// All motifs of a file, of one width, every probability above 0.
inline std::vector<motif_filter> read_filters(const std::filesystem::path& path) {
  std::vector<motif_filter> filters;
  for (const dnalm::io::motif& motif : dnalm::io::read_motifs(path).motifs) {
    const dnalm::motif_scorer scorer(motif);
    motif_filter filter{.name = motif.name, .width = motif.width()};
    for (std::size_t i = 0; i < motif.counts.size(); ++i) {
      const std::size_t row = i / 4 * 4;
      const double sum =
          motif.counts[row] + motif.counts[row + 1] + motif.counts[row + 2] + motif.counts[row + 3];
      filter.letters.push_back(motif.counts[i] / sum);
      filter.scores.push_back(std::log2(4 * filter.letters.back()));
    }
    filter.threshold = scorer.forward().threshold(1e-4) * scorer.unit();
    if (!filters.empty() && filter.width != filters.front().width) {
      throw std::invalid_argument(path.string() + ": motifs of one width expected");
    }
    filters.push_back(std::move(filter));
  }
  return filters;
}

/// One instance of a motif.
struct planted_site {
  index_t motif = 0;  ///< which of the filters
  index_t start = 0;  ///< first base, from 0
};
struct planted_sequence {
  std::string letters = {};
  std::vector<planted_site> sites = {};
};

/// 1 at the bases of instances of the first `motifs` filters, else 0.
inline std::vector<double> planted_bases(const planted_sequence& sequence, index_t motifs, index_t width) {
  std::vector<double> labels(sequence.letters.size(), 0.0);
  for (const planted_site& site : sequence.sites) {
    if (site.motif >= motifs) continue;
    for (index_t j = 0; j < width; ++j) labels[static_cast<std::size_t>(site.start + j)] = 1;
  }
  return labels;
}

/// The sequences of a file that have `length` letters, all of them A, C, G or T.
inline std::vector<std::string> read_backgrounds(const std::filesystem::path& path, index_t length) {
  std::vector<std::string> found;
  for (const auto& record : dnalm::io::read_sequences(path).records) {
    const bool known = record.sequence.find_first_not_of("ACGT") == std::string::npos;
    if (known && static_cast<index_t>(record.sequence.size()) == length) found.push_back(record.sequence);
  }
  if (found.empty()) throw std::invalid_argument(path.string() + ": no sequence of the wanted length");
  return found;
}

/// Makes sequences: a background, and in it one instance of each wanted motif, at uniform places that do not
/// touch. Backgrounds are independent uniform letters or, where real sequences are given, a dinucleotide
/// shuffle of one of them (uniformly drawn): the counts of all its pairs of letters stay.
///
/// An instance is drawn column by column until it scores at least `margin` bits above its threshold. A
/// sequence in which any other word reaches a threshold is drawn again: the instances are all sites that
/// there are. Sequence n is a pure function of the filters, length, seed, real sequences and n.
class sequence_planter {
 public:
  static constexpr double margin = 1.5;

  /// \param real sequences of `length` letters to shuffle; none: uniform letters.
  sequence_planter(std::vector<motif_filter> filters, index_t length, std::uint64_t seed,
                   std::vector<std::string> real = {})
      : filters_(std::move(filters)), real_(std::move(real)), length_(length), seed_(seed) {
    const auto all = static_cast<index_t>(filters_.size());
    if (filters_.empty() || length < 4 * all * filters_.front().width) {
      throw std::invalid_argument("sequences of four times the letters of all motifs expected");
    }
    for (const std::string& sequence : real_) {
      if (static_cast<index_t>(sequence.size()) != length) {
        throw std::invalid_argument("real sequences of the planted sequences' length expected");
      }
    }
  }

  [[nodiscard]] const std::vector<motif_filter>& filters() const { return filters_; }
  /// Sequence `number` with one instance of each of `motifs`.
  [[nodiscard]] planted_sequence make(index_t number, std::span<const index_t> motifs) const {
    dnalm::philox random(seed_, static_cast<std::uint64_t>(number));
    for (;;) {
      planted_sequence made = draw(random, motifs);
      if (!has_other_site(made)) return made;
    }
  }

 private:
  [[nodiscard]] std::string background(dnalm::philox& random) const {
    std::string letters;
    if (real_.empty()) {
      for (index_t i = 0; i < length_; ++i) letters += "ACGT"[random.below(4)];
      return letters;
    }
    const std::string& chosen = real_[static_cast<std::size_t>(random.below(real_.size()))];
    const std::uint64_t shuffle = random.below(std::uint64_t{1} << 32);
    return dnalm::shuffle_sequence(chosen, 2, {.seed = seed_, .sequence = shuffle});
  }
  [[nodiscard]] planted_sequence draw(dnalm::philox& random, std::span<const index_t> motifs) const {
    planted_sequence made;
    made.letters = background(random);
    for (const index_t motif : motifs) {
      const motif_filter& filter = filters_[static_cast<std::size_t>(motif)];
      const index_t start = free_place(random, made, filter.width);
      made.sites.push_back({motif, start});
      made.letters.replace(static_cast<std::size_t>(start), static_cast<std::size_t>(filter.width),
                           instance(random, filter));
    }
    return made;
  }
  [[nodiscard]] index_t free_place(dnalm::philox& random, const planted_sequence& made, index_t width) const {
    for (;;) {
      const auto start = static_cast<index_t>(random.below(static_cast<std::uint64_t>(length_ - width + 1)));
      bool free = true;
      for (const planted_site& site : made.sites) free = free && std::abs(site.start - start) > width;
      if (free) return start;
    }
  }
  [[nodiscard]] static std::string instance(dnalm::philox& random, const motif_filter& filter) {
    for (;;) {
      std::string word;
      for (index_t j = 0; j < filter.width; ++j) {
        double left = random.uniform();
        int letter = 0;
        while (letter < 3 && left >= filter.letters[static_cast<std::size_t>(4 * j + letter)]) {
          left -= filter.letters[static_cast<std::size_t>(4 * j + letter)];
          ++letter;
        }
        word += "ACGT"[letter];
      }
      if (filter.score(word, 0) >= filter.threshold + margin) return word;
    }
  }
  [[nodiscard]] bool has_other_site(const planted_sequence& made) const {
    for (std::size_t motif = 0; motif < filters_.size(); ++motif) {
      for (index_t start = 0; start + filters_[motif].width <= length_; ++start) {
        if (filters_[motif].score(made.letters, start) < filters_[motif].threshold) continue;
        bool planted = false;
        for (const planted_site& site : made.sites) {
          planted = planted || (site.motif == static_cast<index_t>(motif) && site.start == start);
        }
        if (!planted) return true;
      }
    }
    return false;
  }

  std::vector<motif_filter> filters_;
  std::vector<std::string> real_;
  index_t length_;
  std::uint64_t seed_;
};

}  // namespace dnalm_bench
