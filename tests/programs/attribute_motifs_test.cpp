// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute with motifs: their sites, and whether the maps are larger there.
#include <cmath>
#include <string>
#include <vector>

#include <dnalm/attribution/masked_maps.hpp>
#include <dnalm/attribution/motif_scan.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

constexpr const char* motif_file = R"(MEME version 4

ALPHABET= ACGT

Background letter frequencies
A 0.3 C 0.2 G 0.2 T 0.3

MOTIF M1 GATA
letter-probability matrix: alength= 4 w= 4 nsites= 40
0 0 1 0
1 0 0 0
0 0 0 1
1 0 0 0

MOTIF M2
letter-probability matrix: alength= 4 w= 30 nsites= 40
)";

/// A folder with motifs, one of them longer than the sequences, and sequences with and without a GATA.
struct scanned {
  scanned() {
    std::string text = motif_file;
    for (int i = 0; i < 30; ++i) text += "1 0 0 0\n";
    write(dir / "m.meme", text);
    write(dir / "s.fa",
          ">chr1:100-112\nCCGATACCGGCC\n>chr1:200-212(-)\nCCGATACCGGCC\n>third\nNCCTATCNGGCA\n>no\nCCC\n");
  }
  [[nodiscard]] outcome attribute(const std::string& rest) const {
    return run("dnalm-attribute --model " DNALM_GOLDEN_DIR
               "/convnets/gpn_7 --method entropy --context wild_type " +
               ("--input " + (dir / "s.fa")) + " --output " + (dir / "e.npz") + " " + rest);
  }
  scratch dir;
};

/// Maps (sequences, 4, 12) against norms times the largest entropy less the position's.
void check_weighted(const std::vector<float>& norms, const std::vector<float>& weighted,
                    const std::vector<dnalm::nucleotide_prediction>& predictions) {
  for (std::size_t s = 0; s < predictions.size(); ++s) {
    const std::vector<double>& entropy = predictions[s].token_entropy;
    double most = 0;
    for (const double bits : entropy) most = bits > most ? bits : most;  // NaN is not larger
    REQUIRE(most > 0);
    double sum = 0;
    for (std::size_t a = 0; a < 4; ++a) {
      for (std::size_t i = 0; i < 12; ++i) {
        const std::size_t at = (s * 4 + a) * 12 + i;
        const bool predicted = i < entropy.size() && !std::isnan(entropy[i]);
        const double factor = predicted ? most - entropy[i] : 0;
        // Norm and product were each rounded to float, by 2^-24 of their size at most.
        CHECK(weighted[at] == Approx(static_cast<double>(norms[at]) * factor).epsilon(0x1p-22).margin(0));
        sum += static_cast<double>(weighted[at]);
      }
    }
    CHECK(sum > 0);
  }
}

std::string conventions_of(const std::string& npz) {
  const auto text = dnalm::io::npz_reader(npz).read("conventions").values<std::uint8_t>();
  return std::string(text.begin(), text.end());
}

}  // namespace

TEST_CASE("dnalm-attribute tells the sites of motifs and how the maps stand to them", "[programs]") {
  const scanned work;
  const auto made = work.attribute(
      "--motifs " + (work.dir / "m.meme") + " --motif-threshold 0.006 --motif-hits " + (work.dir / "h.bed") +
      " --motif-recovery " + (work.dir / "r.tsv") + " --html " + (work.dir / "p.html"));
  REQUIRE(made.err == "");
  CHECK(made.out == "");
  const dnalm::io::npz_reader file(work.dir / "e.npz");
  const auto entropy = file.read("entropy").values<float>();
  double mean = 0;
  for (std::size_t i = 2; i < 6; ++i) mean += (2 - static_cast<double>(entropy[i])) / 4;

  std::istringstream lines(content(work.dir / "h.bed"));
  std::string line;
  std::getline(lines, line);
  CHECK(line == "#chrom\tstart\tend\tmotif\tscore\tstrand\tp_value\tlog_odds\tmean_attribution\tsequence");
  const auto hits = read_tsv(work.dir / "h.bed");  // the header is a remark here
  REQUIRE(hits.size() == 3);
  CHECK(hits[0][0] == "chr1");
  CHECK(hits[0][1] == "102");
  CHECK(hits[0][2] == "106");
  CHECK(hits[0][3] == "M1.GATA");
  CHECK(hits[0][4] == "23");  // -10 log10 p
  CHECK(hits[0][5] == "+");
  CHECK(std::stod(hits[0][6]) == Approx(0.3 * 0.3 * 0.3 * 0.2).epsilon(1e-5));
  // Float entropies, six digits in the table.
  CHECK(std::stod(hits[0][8]) == Approx(mean).epsilon(1e-4));
  CHECK(hits[0][9] == "chr1:100-112");
  // On the other strand of the chromosome the place is counted from the region's end, and the strand turns.
  CHECK(hits[1][1] == "206");
  CHECK(hits[1][5] == "-");
  CHECK(hits[2][0] == "third");
  CHECK(hits[2][1] == "3");
  CHECK(hits[2][5] == "-");

  const auto recovery = read_tsv(work.dir / "r.tsv");
  REQUIRE(recovery.size() == 3);
  CHECK(recovery[0][0] == "motif");
  CHECK(recovery[1][0] == "M1");
  CHECK(recovery[1][1] == "GATA");
  CHECK(recovery[1][2] == "3");
  CHECK(recovery[1][3] == "3");
  CHECK(recovery[1][4] == "12");
  CHECK(recovery[1][5] == "22");  // without the two N
  CHECK(recovery[2][0] == "M2");
  CHECK(recovery[2][2] == "0");
  CHECK(recovery[2][8] == "nan");
  const std::string page = content(work.dir / "p.html");
  CHECK(page.find("<td>M1.GATA</td>") != std::string::npos);
  CHECK(page.find("M1.GATA 3 to 6, p 0.0054") != std::string::npos);
  CHECK(conventions_of(work.dir / "e.npz").find("\"motifs\": \"2 motifs") != std::string::npos);
}

TEST_CASE("dnalm-attribute names motifs and places so that every line of its tables is one", "[programs]") {
  const scanned work;
  const std::string matrix = "\nA [0 9 0 9]\nC [0 0 0 0]\nG [9 0 0 0]\nT [0 0 9 0]\n";
  write(work.dir / "j.txt", ">G1 G12" + matrix + ">G2 G2" + matrix + ">G3 G3.gata" + matrix);
  write(work.dir / "s.fa", ">#one\nCCGATACCGG\n>#two:0-10\nCCGATACCGG\n");
  const std::string motifs = "--motifs " + (work.dir / "j.txt") + " --motif-threshold 0.005 --motif-hits " +
                             (work.dir / "h.bed") + " --motif-recovery ";
  REQUIRE(work.attribute(motifs + (work.dir / "r.tsv")).err == "");
  const auto hits = read_tsv(work.dir / "h.bed");  // without the header, as it begins with #
  REQUIRE(hits.size() == 6);
  CHECK(hits[0][0] == "_one");
  CHECK(hits[0][9] == "#one");
  CHECK(hits[0][3] == "G1.G12");
  CHECK(hits[1][3] == "G2");
  CHECK(hits[2][3] == "G3.gata");
  CHECK(hits[3][0] == "_two");
  CHECK(hits[3][1] == "2");
}

TEST_CASE("dnalm-attribute tells before the work what tables of motifs it cannot write", "[programs]") {
  const scanned work;
  const std::string motifs = "--motifs " + (work.dir / "m.meme") + " --motif-recovery ";
  CHECK(work.attribute(motifs + work.dir.path.string()).id() == "dnalm.io.222");
  CHECK(work.attribute(motifs + (work.dir / "none/r.tsv")).id() == "dnalm.io.222");
  write(work.dir / "remark.txt", ">#M\nA [1]\nC [1]\nG [1]\nT [1]\n");
  write(work.dir / "binary.txt", ">M \x01\nA [1]\nC [1]\nG [1]\nT [1]\n");
  const auto refused = work.attribute("--motifs " + (work.dir / "remark.txt"));
  CHECK(refused.id() == "dnalm.input.199");
  CHECK(refused.err.find("motif 1") != std::string::npos);
  CHECK(work.attribute("--motifs " + (work.dir / "binary.txt")).id() == "dnalm.format.175");
  CHECK_FALSE(fs::exists(work.dir.path / "e.npz"));  // nothing was computed
  // Sites are kept where the other table cannot be written in the end.
  const auto full = work.attribute("--motif-threshold 0.006 --motif-hits " + (work.dir / "h.bed") + " " +
                                   motifs + "/dev/full");
  CHECK(full.id() == "dnalm.io.223");
  CHECK(read_tsv(work.dir / "h.bed").size() == 3);
}

TEST_CASE("dnalm-attribute says when there is no site, and refuses motifs that it cannot read",
          "[programs]") {
  const scanned work;
  const auto none = work.attribute("--motifs " + (work.dir / "m.meme"));
  CHECK(none.code == 0);
  CHECK(none.err.find("no site of any motif") != std::string::npos);
  CHECK(none.out.find("M1\tGATA\t0\t0\t0\t0\tnan") != std::string::npos);
  CHECK(work.attribute("--motifs " + (work.dir / "s.fa")).id() == "dnalm.format.155");
  CHECK(work.attribute("--motif-hits x.bed").id() == "dnalm.usage.702");
  CHECK(work.attribute("--motif-threshold 0 --motifs " + (work.dir / "m.meme")).id() == "dnalm.usage.702");
}

TEST_CASE("dnalm-attribute weighs the saliency of embeddings by the entropy of the prediction",
          "[programs]") {
  const std::string gpn = DNALM_GOLDEN_DIR "/convnets/gpn_7";
  const scanned work;
  const auto maps = [&](const std::string& rest) {
    REQUIRE(run("dnalm-attribute --model " + gpn + " --logit 3 --method embedding_saliency --input " +
                (work.dir / "s.fa") + " --output " + (work.dir / "m.npz") + " " + rest)
                .err == "");
    return dnalm::io::npz_reader(work.dir / "m.npz").read("attributions").values<float>();
  };
  const auto plain = maps("");
  CHECK(conventions_of(work.dir / "m.npz").find("context") == std::string::npos);
  const auto weighted = maps("--entropy-weighted");
  CHECK(conventions_of(work.dir / "m.npz").find("\"context\": \"masked\"") != std::string::npos);
  const auto whole = maps("--entropy-weighted --context wild_type");
  CHECK(conventions_of(work.dir / "m.npz").find("\"context\": \"wild_type\"") != std::string::npos);
  REQUIRE(plain.size() == 4 * 4 * 12);
  REQUIRE(weighted.size() == plain.size());
  REQUIRE(whole.size() == plain.size());
  const dnalm::model network = dnalm::load_model(gpn);
  const auto records = dnalm::io::read_sequences(work.dir / "s.fa").records;
  check_weighted(plain, weighted, dnalm::predict_nucleotides(network, records));
  check_weighted(
      plain, whole,
      dnalm::predict_nucleotides(network, records, {.context = dnalm::prediction_context::wild_type}));
}
