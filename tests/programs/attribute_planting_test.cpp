// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute --method global_importance: the numbers of the library, in every file.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <dnalm/attribution/attribution_targets.hpp>
#include <dnalm/attribution/global_importance.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/metrics/mann_whitney.hpp>
#include <dnalm/models/load_model.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

const std::string gpn = DNALM_GOLDEN_DIR "/convnets/gpn_7";

constexpr const char* motif_file = R"(MEME version 4

ALPHABET= ACGT

MOTIF M1 GATA
letter-probability matrix: alength= 4 w= 6 nsites= 40
0.25 0.25 0.25 0.25
0 0 1 0
1 0 0 0
0 0.4 0 0.6
1 0 0 0
0.3 0.3 0.2 0.2

MOTIF M2
letter-probability matrix: alength= 4 w= 3 nsites= 40
0 1 0 0
0 0.5 0.5 0
0 1 0 0
)";

/// Sequences of one length, motifs, the program, and the same by the library.
struct planted {
  planted() {
    write(dir / "m.meme", motif_file);
    write(dir / "s.fa", ">a\nACGTTGCAACGTGATAAGCC\n>b\nGGCATTGACCATGGCATTGC\n>c\nTTGACCGATCCAGTTAACGT\n");
    for (const auto& record : dnalm::io::read_sequences(dir / "s.fa").records) {
      sequences.push_back(record.sequence);
    }
  }
  [[nodiscard]] outcome attribute(const std::string& rest) const {
    return run("dnalm-attribute --model " + gpn + " --logit 3 --method global_importance --input " +
               (dir / "s.fa") + " --output " + (dir / "x.npz") + " --effects " + (dir / "e.tsv") + " " +
               rest);
  }
  [[nodiscard]] dnalm::global_importance importance(std::vector<std::string> backgrounds) const {
    return {targets.function(), std::move(backgrounds)};
  }
  [[nodiscard]] std::vector<double> numbers(const std::string& member) const {
    return dnalm::io::npz_reader(dir / "x.npz").read(member).values<double>();
  }
  /// Effects and means of the file against those of the library.
  void check(const std::vector<dnalm::global_effect>& curve) const {
    std::vector<double> effects;
    std::vector<double> means;
    for (const auto& each : curve) {
      effects.insert(effects.end(), each.effects.begin(), each.effects.end());
      means.push_back(each.outputs[0].mean);
    }
    CHECK(numbers("effects") == effects);
    CHECK(numbers("mean") == means);
  }

  scratch dir;
  std::vector<std::string> sequences;
  dnalm::attribution_targets targets =
      dnalm::attribution_targets::of_logits(dnalm::load_model(gpn), std::vector<dnalm::index_t>{3});
};

}  // namespace

TEST_CASE("dnalm-attribute plants letters at positions of shuffled backgrounds", "[programs]") {
  const planted work;
  const auto made = work.attribute("--insert GATA --positions 0,4:12:4 --backgrounds 7 --seed 5 --html " +
                                   (work.dir / "p.html") + " --svg " + (work.dir / "d"));
  REQUIRE(made.err == "");
  const auto importance = work.importance(dnalm::shuffled_backgrounds(work.sequences, 7, 2, 5));
  const std::vector<dnalm::index_t> places = {0, 4, 8, 12};
  const auto curve = importance.position_curve("GATA", places);
  work.check(curve);
  const dnalm::io::npz_reader file(work.dir / "x.npz");
  CHECK(file.read("x").values<dnalm::index_t>() == places);
  CHECK(file.read("backgrounds").texts() == importance.backgrounds());
  CHECK(file.read("background_values").values<double>() == importance.values());
  CHECK(file.read("effects").shape == std::vector<dnalm::index_t>{4, 7});

  const auto table = read_tsv(work.dir / "e.tsv");
  REQUIRE(table.size() == 5);
  CHECK(table[0] == std::vector<std::string>{"motif", "letters", "position", "backgrounds", "mean",
                                             "standard_error", "t", "p_value", "share", "rank_p_value"});
  std::vector<double> with = importance.values();
  for (std::size_t n = 0; n < with.size(); ++n) with[n] += curve[2].effects[n];
  const auto ranks = dnalm::metrics::mann_whitney(with, importance.values());
  CHECK(table[3][2] == "8");
  CHECK(table[3][3] == "7");
  CHECK(std::stod(table[3][4]) == Approx(curve[2].outputs[0].mean).epsilon(1e-5));  // six digits
  CHECK(std::stod(table[3][7]) == Approx(curve[2].outputs[0].p_value).epsilon(1e-5));
  CHECK(std::stod(table[3][8]) == Approx(ranks.share).epsilon(1e-5));
  CHECK(std::stod(table[3][9]) == Approx(ranks.p_value).epsilon(1e-5));
  const std::string page = content(work.dir / "p.html");
  CHECK(page.find("1 motif in 7 backgrounds") != std::string::npos);
  CHECK(page.find("7, dinucleotide shuffles of the input") != std::string::npos);
  CHECK(page.find("<td>GATA</td>") > page.find("</svg>"));
  CHECK(page.find("<td>GATA</td>") != std::string::npos);
  CHECK(content(work.dir / "d/effects.svg").find("GATA, position (of the first letter, from 0) 12: ") !=
        std::string::npos);

  const std::string before = content(work.dir / "x.npz");
  REQUIRE(work.attribute("--insert GATA --positions 0,4:12:4 --backgrounds 7 --seed 5 --threads 1").err ==
          "");
  CHECK(content(work.dir / "x.npz") == before);
}

TEST_CASE("dnalm-attribute plants the consensus of motifs in the middle, in copies and pairs", "[programs]") {
  const planted work;
  const std::string motifs = "--motifs " + (work.dir / "m.meme") + " --background given ";
  const auto importance = work.importance(work.sequences);
  REQUIRE(work.attribute(motifs).err == "");
  const std::vector<dnalm::index_t> eight = {8};
  auto curve = importance.position_curve("GATA", eight);
  curve.push_back(importance.position_curve("CNC", eight)[0]);  // in the middle from 8 as well
  work.check(curve);
  const dnalm::io::npz_reader file(work.dir / "x.npz");
  CHECK(file.read("names").texts() == std::vector<std::string>{"M1.GATA", "M2"});
  CHECK(file.read("letters").texts() == std::vector<std::string>{"GATA", "CNC"});

  REQUIRE(work.attribute("--insert GATA --background given --copies --positions 2,9,15").err == "");
  work.check(importance.multiplicity_curve("GATA", std::vector<dnalm::index_t>{2, 9, 15}));
  CHECK(work.numbers("x") == std::vector<double>{1, 2, 3});
  CHECK(read_tsv(work.dir / "e.tsv")[0][2] == "copies");

  REQUIRE(work.attribute(motifs + "--positions 6 --spacings -4:-1,0:6:3").err == "");
  const std::vector<dnalm::index_t> gaps = {-4, -3, -2, -1, 0, 3, 6};
  work.check(importance.spacing_curve({"GATA", 6}, "CNC", gaps));
  CHECK(work.numbers("x") == std::vector<double>(gaps.begin(), gaps.end()));
  CHECK(read_tsv(work.dir / "e.tsv")[1][8] == "nan");  // an interaction is no difference of two samples

  REQUIRE(work.attribute("--insert GATA --background profile --backgrounds 5").err == "");
  work.check(work.importance(dnalm::profile_backgrounds(work.sequences, 5, 1)).position_curve("GATA", eight));
}

TEST_CASE("dnalm-attribute says what cannot be planted", "[programs]") {
  const planted work;
  const std::string motifs = "--motifs " + (work.dir / "m.meme");
  CHECK(work.attribute("").id() == "dnalm.usage.734");
  CHECK(work.attribute("--insert GATA " + motifs).id() == "dnalm.usage.734");
  CHECK(work.attribute("--insert GATX").id() == "dnalm.usage.734");
  CHECK(work.attribute("--insert GATA,,CC").id() == "dnalm.usage.734");
  CHECK(work.attribute("--insert GATA --spacings 3").id() == "dnalm.usage.734");
  CHECK(work.attribute("--insert GATA,CC --spacings 3 --copies").id() == "dnalm.usage.702");
  CHECK(work.attribute("--insert GATA --copies").id() == "dnalm.usage.735");
  CHECK(work.attribute("--insert GATA,CC --spacings 3 --positions 2,3").id() == "dnalm.usage.735");
  for (const std::string list : {"x", "3:", "9:3", "1:9:0", "1:2:3:4", "0:99999999999", "1,,2"}) {
    INFO(list);
    CHECK(work.attribute("--insert GATA --positions " + list).id() == "dnalm.usage.735");
  }
  CHECK(run("dnalm-attribute --model " + gpn +
            " --logit 3 --method global_importance --insert GATA --input " + (work.dir / "s.fa") +
            " --output " + (work.dir / "x.npz") + " --effects " + (work.dir / "none/e"))
            .id() == "dnalm.io.222");
  CHECK(work.attribute("--insert GATA --positions 17").id() == "dnalm.input.882");
  CHECK(work.attribute("--insert GATA --positions 2,4 --copies").id() == "dnalm.input.882");
  write(work.dir / "flat.txt", ">M\nA [1]\nC [1]\nG [1]\nT [1]\n");
  CHECK(work.attribute("--motifs " + (work.dir / "flat.txt")).id() == "dnalm.input.890");
  write(work.dir / "s.fa", ">a\nACGTTGCAACGTGATAAGCC\n");
  CHECK(work.attribute("--insert GATA --background given").id() == "dnalm.input.881");
  CHECK_FALSE(fs::exists(work.dir.path / "x.npz"));
  CHECK_FALSE(fs::exists(work.dir.path / "e.tsv"));
}

TEST_CASE("dnalm-attribute says what cannot be planted before it reads the model", "[programs]") {
  const planted work;
  const auto without_model = [&](const std::string& rest) {
    return run("dnalm-attribute --model " + (work.dir / "none") + " --logit 3 --method global_importance" +
               " --input " + (work.dir / "s.fa") + " --output " + (work.dir / "x.npz") + " " + rest)
        .id();
  };
  CHECK(without_model("") == "dnalm.usage.734");
  CHECK(without_model("--insert GATX") == "dnalm.usage.734");
  CHECK(without_model("--insert GATA --positions 9:3") == "dnalm.usage.735");
  CHECK(without_model("--insert GATA --copies") == "dnalm.usage.735");
  const std::string reached = without_model("--insert GATA");  // the folder's own error
  CHECK(reached.starts_with("dnalm."));
  CHECK_FALSE(reached.starts_with("dnalm.usage."));
}

TEST_CASE("dnalm-attribute says what does not fit before it evaluates anything", "[programs]") {
  const planted work;
  const std::string model = make_model(work.dir, "tiny");
  const std::string weights = content(fs::path(model) / "model.safetensors");
  std::uint64_t header = 0;
  std::memcpy(&header, weights.data(), sizeof header);
  std::string broken = weights.substr(0, header + 8);
  while (broken.size() < weights.size()) broken += "\xff\xff\x7f\x7f";  // the largest float: sums overflow
  write(fs::path(model) / "model.safetensors", broken);
  const auto evaluate = [&](const std::string& rest) {
    return run("dnalm-attribute --model " + model + " --logit 3 --method global_importance --input " +
               (work.dir / "s.fa") + " --output " + (work.dir / "x.npz") + " --effects " +
               (work.dir / "e.tsv") + " " + rest)
        .id();
  };
  CHECK(evaluate("--insert GATA").starts_with("dnalm.numeric."));  // what an evaluation tells
  for (const std::string misfit :
       {"--insert GATA,CCATTGCCATTG --positions 0:16:4", "--insert GATA --copies --positions 0,9,11",
        "--insert GATA,CC --spacings 0,3,30", "--insert CC,GATAGATAGATAGATAGATAG"}) {
    INFO(misfit);
    CHECK(evaluate(misfit) == "dnalm.input.882");
  }
}

TEST_CASE("dnalm-attribute has as many given backgrounds as it was asked for", "[programs]") {
  const planted work;  // three sequences
  const std::string given = "--insert GATA --background given --backgrounds ";
  REQUIRE(work.attribute(given + "2").err == "");
  CHECK(work.numbers("background_values").size() == 2);
  REQUIRE(work.attribute(given + "3").err == "");
  CHECK(work.numbers("background_values").size() == 3);
  const auto refused = work.attribute(given + "500");
  CHECK(refused.id() == "dnalm.usage.735");
  CHECK(refused.err.find("500") != std::string::npos);
  CHECK(refused.err.find("of 3 at most") != std::string::npos);
  CHECK(work.attribute(given + "3 --top 2").id() == "dnalm.usage.735");
  CHECK(work.attribute("--insert GATA --backgrounds 5").err == "");  // of shuffles any number
}
