// SPDX-License-Identifier: Apache-2.0
// MMSplice's five real modules on BRCA1: the scores of reference exons in the table that its authors' tests
// hold. Needs DNALM_DATA_DIR and a build with HDF5; skipped without them and said so.
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <dnalm/models/load_model.hpp>
#include <dnalm/sequence/alphabet.hpp>
#include <support/catch.hpp>
#include <support/data_folder.hpp>
#include <support/keras_folder.hpp>
#include <support/temporary_folder.hpp>

#if defined(DNALM_WITH_HDF5)
namespace {

using dnalm::index_t;

/// The one number that a module predicts. The tool pads the introns of a batch to one length with zeros.
double predict(const dnalm::model& model, const std::string& sequence) {
  double found = 0.0;
  dnalm::ragged_offsets offsets;
  const dnalm::token_sequence tokens = model.tokenize(sequence);
  offsets.append(tokens.size());
  dnalm::forward_workspace workspace;
  model.logits(
      {tokens.ids, offsets},
      [&](dnalm::matrix_view<const float> x) {
        REQUIRE(x.rows * x.columns == 1);
        found = static_cast<double>(x(0, 0));
      },
      workspace);
  return found;
}

double logit(double p) {
  const double bounded = std::min(std::max(p, 1e-5), 1.0 - 1e-5);
  return std::log(bounded) - std::log(1.0 - bounded);
}

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts;
  std::string part;
  std::istringstream in(line);
  while (std::getline(in, part, separator)) parts.push_back(part);
  return parts;
}

/// hg19's chromosome 17, of which a part is at hand.
class genome_part {
 public:
  explicit genome_part(const std::filesystem::path& fasta) {
    std::ifstream in(fasta);
    std::string line;
    while (std::getline(in, line)) {
      if (!line.starts_with('>')) letters_ += line;
    }
  }
  /// [begin, end), counted from 0, on the minus strand.
  [[nodiscard]] std::string minus(index_t begin, index_t end) const {
    constexpr index_t first = 41176311;
    return dnalm::reverse_complement(
        letters_.substr(static_cast<std::size_t>(begin - first), static_cast<std::size_t>(end - begin)));
  }

 private:
  std::string letters_;
};

/// Whether an exon is the first or the last of its transcript: there is no intron on that side.
struct exon_ends {
  bool first = false;
  bool last = false;
};

/// The outermost bases of every transcript of a GTF file (which names only some exons of each).
class transcripts {
 public:
  explicit transcripts(const std::filesystem::path& gtf) {
    std::ifstream in(gtf);
    std::string line;
    while (std::getline(in, line)) {
      const auto fields = split(line, '\t');
      if (fields.size() < 9 || fields[2] != "transcript") continue;
      const std::size_t at = fields[8].find("transcript_id \"") + 15;
      ranges_[fields[8].substr(at, fields[8].find('"', at) - at)] = {std::stol(fields[3]) - 1,
                                                                     std::stol(fields[4])};
    }
  }
  /// On the minus strand.
  [[nodiscard]] exon_ends ends(const std::string& transcript, index_t begin, index_t end) const {
    const auto& range = ranges_.at(transcript);
    return {end == range.second, begin == range.first};
  }

 private:
  std::map<std::string, std::pair<index_t, index_t>> ranges_;
};

/// What the five modules read of an exon with 100 bases on either side; N where there is no intron.
std::vector<std::string> parts_of(std::string s, const exon_ends& ends) {
  const std::size_t end = s.size() - 100;
  if (ends.first) std::fill_n(s.begin(), 100, 'N');
  if (ends.last) std::fill(s.begin() + static_cast<std::ptrdiff_t>(end), s.end(), 'N');
  return {s.substr(0, 94), s.substr(50, 53), s.substr(100, end - 100), s.substr(end - 5, 18),
          s.substr(end + 6)};
}

/// The modules, which remember what they have seen.
class mmsplice {
 public:
  explicit mmsplice(const std::filesystem::path& models) {
    for (const std::string name : {"Intron3", "Acceptor", "Exon", "Donor", "Intron5"}) {
      const dnalm_test::temporary_folder folder("mmsplice");
      dnalm_test::write_keras_folder(models / (name + ".h5"), folder.path());
      modules_.push_back(dnalm::load_model(folder.path()));
    }
  }
  [[nodiscard]] std::vector<double> scores(const std::vector<std::string>& parts) {
    std::vector<double> found;
    for (std::size_t i = 0; i < 5; ++i) {
      const auto [at, fresh] = seen_.try_emplace(std::to_string(i) + parts[i], 0.0);
      if (fresh) at->second = predict(modules_[i], parts[i]);
      found.push_back(i == 1 || i == 3 ? logit(at->second) : at->second);
    }
    return found;
  }

 private:
  std::vector<dnalm::model> modules_;
  std::map<std::string, double> seen_;
};

/// The largest difference to fields [first, first + 5) of a row in units of what is allowed: 1e-5 of 1 + the
/// expected number for sums of some hundred floats in another order; where it is the logit of p, the last bit
/// of p on either side too: 2^-24 / (p (1 - p)) each.
double worst_of(const std::vector<double>& found, const std::vector<std::string>& fields, std::size_t first) {
  double worst = 0.0;
  for (std::size_t i = 0; i < 5; ++i) {
    const double expected = std::stod(fields.at(first + i));
    double allowed = 1e-5 * (1.0 + std::abs(expected));
    const double p = 1.0 / (1.0 + std::exp(-expected));
    if (i == 1 || i == 3) allowed += 0x1p-23 / (p * (1.0 - p));
    worst = std::max(worst, std::abs(found[i] - expected) / allowed);
  }
  return worst;
}

}  // namespace
#endif

TEST_CASE("MMSplice's real modules give the published scores of BRCA1's exons and their variants",
          "[.][data]") {
#if defined(DNALM_WITH_HDF5)
  const auto models = dnalm_test::data_path("gagneurlab__MMSplice_MTSplice/mmsplice/models");
  const auto tests = dnalm_test::data_path("gagneurlab__MMSplice_MTSplice/tests/data");
  const auto fasta = dnalm_test::data_path("derived/brca1_hg19_chr17_41176312_41370000.fa");
  if (!models || !tests || !fasta) return;
  mmsplice modules(*models);
  const genome_part genome(*fasta);
  const transcripts known(*tests / "test.gtf");
  std::ifstream in(*tests / "pred.csv");
  std::string line;
  std::getline(in, line);
  int rows = 0;
  int variants = 0;
  while (std::getline(in, line)) {
    const auto fields = split(line, ',');
    const auto exon = split(fields.at(1), ':');
    REQUIRE(exon.at(2) == "-");
    const index_t begin = std::stol(split(exon.at(1), '-').at(0));
    const index_t end = std::stol(split(exon.at(1), '-').at(1));
    const exon_ends ends = known.ends(fields.at(5), begin, end);
    std::string window = genome.minus(begin - 100, end + 100);
    ++rows;
    INFO(line);
    const double reference = worst_of(modules.scores(parts_of(window, ends)), fields, 7);
    CHECK(reference <= 1.0);
    const auto variant = split(fields.at(0), ':');
    if (variant.at(2).size() != 3) continue;  // a substitution of one base: `A>C`
    const index_t place = end + 100 - std::stol(variant.at(1));
    if (place < 0 || place >= static_cast<index_t>(window.size())) continue;
    char& letter = window[static_cast<std::size_t>(place)];
    REQUIRE(letter == dnalm::reverse_complement(variant.at(2).substr(0, 1)).front());
    letter = dnalm::reverse_complement(variant.at(2).substr(2, 1)).front();
    ++variants;
    const double changed = worst_of(modules.scores(parts_of(window, ends)), fields, 12);
    CHECK(changed <= 1.0);
  }
  CHECK(rows == 2034);
  CHECK(variants > 1000);
#else
  WARN("skipped: this build reads no HDF5");
#endif
}
