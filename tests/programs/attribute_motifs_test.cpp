// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute with motifs: their sites, and whether the maps are larger there.
#include <cmath>
#include <string>

#include <dnalm/attribution/motif_scan.hpp>
#include <dnalm/io/npz.hpp>

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
  CHECK(file.read("conventions").values<std::uint8_t>().size() > 0);
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
  const auto weighted = maps("--entropy-weighted");
  REQUIRE(plain.size() == 4 * 4 * 12);
  REQUIRE(weighted.size() == plain.size());
  int zeros = 0;
  for (std::size_t i = 0; i < 12; ++i) {  // of the first sequence: norms at the observed letters alone
    float sum = 0;
    for (std::size_t a = 0; a < 4; ++a) {
      sum += plain[a * 12 + i];
      CHECK(plain[a * 12 + i] >= 0);
      if (plain[a * 12 + i] == 0) CHECK(weighted[a * 12 + i] == 0);
    }
    CHECK(sum > 0);
    zeros += weighted[i] + weighted[12 + i] + weighted[24 + i] + weighted[36 + i] == 0 ? 1 : 0;
  }
  CHECK(zeros == 1);  // where the model is least sure
}
