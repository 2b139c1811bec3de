// SPDX-License-Identifier: Apache-2.0
// Tracks of dnalm-attribute: what stands where sequences overlap, and how long chromosomes are.
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <dnalm/io/npz.hpp>
#include <dnalm/sequence/alphabet.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>

#if defined(DNALM_WITH_BIGWIG)
#include <bigWig.h>
#endif

using namespace workbench;

namespace {

const std::string gpn = DNALM_GOLDEN_DIR "/convnets/gpn_7";

/// Two sequences, the second of the other strand, that share the bases 106 to 111.
struct bench {
  bench() { write(dir / "s.fa", ">chr1:100-112\nACGTTGCAACGT\n>chr1:106-116(-)\nGATTACAGAT\n"); }
  [[nodiscard]] outcome attribute(const std::string& rest) const {
    return run("dnalm-attribute --model " + gpn + " --logit 3 --method saliency --input " + (dir / "s.fa") +
               " --output " + (dir / "x.npz") + " " + rest);
  }
  /// The observed letters' numbers of a row of the npz.
  [[nodiscard]] std::vector<float> numbers(std::size_t row, const std::string& letters) const {
    const auto all = dnalm::io::npz_reader(dir / "x.npz").read("attributions").values<float>();
    std::vector<float> found;
    for (std::size_t i = 0; i < letters.size(); ++i) {
      found.push_back(all[(row * 4 + static_cast<std::size_t>(dnalm::base_code(letters[i]))) * 12 + i]);
    }
    return found;
  }
  /// By base, what the file says of it.
  [[nodiscard]] std::map<int, double> bedgraph(const std::string& file) const {
    std::map<int, double> found;
    for (const auto& fields : read_tsv(dir.path / file)) {
      if (fields.size() != 4) continue;
      CHECK(fields[0] == "chr1");
      for (int base = std::stoi(fields[1]); base < std::stoi(fields[2]); ++base) {
        CHECK(found.emplace(base, std::stod(fields[3])).second);
      }
    }
    return found;
  }
  /// What a rule says, in the words of its definition.
  [[nodiscard]] std::map<int, double> expected(const std::string& rule) const {
    const auto first = numbers(0, "ACGTTGCAACGT");
    auto second = numbers(1, "GATTACAGAT");
    std::reverse(second.begin(), second.end());
    std::map<int, double> found;
    for (int base = 100; base < 116; ++base) {
      const bool in_first = base < 112;
      const bool in_second = base >= 106;
      const double a = in_first ? first[static_cast<std::size_t>(base - 100)] : 0;
      const double b = in_second ? second[static_cast<std::size_t>(base - 106)] : 0;
      const bool nearer = std::abs(base + 0.5 - 106) <= std::abs(base + 0.5 - 111);  // the earlier of equals
      const double both = rule == "mean"  ? (a + b) / 2
                          : rule == "max" ? (std::abs(a) >= std::abs(b) ? a : b)
                          : nearer        ? a
                                          : b;
      found[base] = in_first && in_second ? both : in_first ? a : b;
    }
    return found;
  }
  scratch dir;
};

/// Each number is rounded to float twice, and once more in a mean.
void check_same(const std::map<int, double>& found, const std::map<int, double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (const auto& [base, value] : expected) {
    INFO(base);
    REQUIRE(found.contains(base));
    CHECK(std::abs(found.at(base) - value) <= 4e-7 * std::max(std::abs(value), 1e-3));
  }
}

#if defined(DNALM_WITH_BIGWIG)
struct read_bigwig {
  std::map<std::string, int> lengths = {};
  std::map<int, double> values = {};
};
read_bigwig read_back(const std::string& path) {
  read_bigwig found;
  bwInit(1 << 17);
  bigWigFile_t* file = bwOpen(path.c_str(), nullptr, "r");
  REQUIRE(file != nullptr);
  for (std::int64_t c = 0; c < file->cl->nKeys; ++c) {
    found.lengths[file->cl->chrom[c]] = static_cast<int>(file->cl->len[c]);
  }
  bwOverlappingIntervals_t* intervals = bwGetOverlappingIntervals(file, "chr1", 0, 116);
  REQUIRE(intervals != nullptr);
  for (std::uint32_t i = 0; i < intervals->l; ++i) {
    for (std::uint32_t base = intervals->start[i]; base < intervals->end[i]; ++base) {
      found.values[static_cast<int>(base)] = static_cast<double>(intervals->value[i]);
    }
  }
  bwDestroyOverlappingIntervals(intervals);
  bwClose(file);
  return found;
}
#endif

}  // namespace

TEST_CASE("where sequences overlap a track has the number that --join names", "[programs]") {
  const bench work;
  for (const std::string rule : {"midpoint", "mean", "max"}) {
    INFO(rule);
    REQUIRE(work.attribute("--join " + rule + " --bedgraph " + (work.dir / "t.bedgraph")).err == "");
    check_same(work.bedgraph("t.bedgraph"), work.expected(rule));
#if defined(DNALM_WITH_BIGWIG)
    REQUIRE(work.attribute("--join " + rule + " --bigwig " + (work.dir / "t.bw")).err == "");
    check_same(read_back(work.dir / "t.bw").values, work.expected(rule));
#endif
  }
  REQUIRE(work.attribute("--bedgraph " + (work.dir / "t.bedgraph")).err == "");
  check_same(work.bedgraph("t.bedgraph"), work.expected("midpoint"));
#if !defined(DNALM_WITH_BIGWIG)
  CHECK(work.attribute("--bigwig " + (work.dir / "t.bw")).id() == "dnalm.unsupported.730");
#endif
}

TEST_CASE("chromosomes of a track are as long as --chromosome-sizes says", "[programs]") {
  const bench work;
  const std::string sizes = " --chromosome-sizes " + (work.dir / "sizes");
#if defined(DNALM_WITH_BIGWIG)
  const std::string track = "--bigwig " + (work.dir / "t");
  REQUIRE(work.attribute(track).err == "");
  CHECK(read_back(work.dir / "t").lengths == std::map<std::string, int>{{"chr1", 116}});
  for (const char* text : {"chr1\t1000\nchr2\t50\n", "# assembly\nchr1 1000\r\nchr2  50\n",
                           "chr1\t1000\t6\t60\t61\nchr2\t50\t9\t60\t61\n"}) {
    write(work.dir / "sizes", text);
    REQUIRE(work.attribute(track + sizes).err == "");
    const auto found = read_back(work.dir / "t");
    CHECK(found.lengths == std::map<std::string, int>{{"chr1", 1000}, {"chr2", 50}});
    check_same(found.values, work.expected("midpoint"));
  }
#endif
  fs::remove(work.dir.path / "x.npz");
  fs::remove(work.dir.path / "t");
  const std::string lines = "--bedgraph " + (work.dir / "b");
  struct row {
    std::string text;
    std::string words;
  };
  for (const row& each :
       {row{"chr2\t50\n", "'chr1'"},
        row{"chr1\t115\n", "ends beyond its chromosome, in sequence 'chr1:106-116(-)'"},
        row{"chr1\tlong\n", "line 1"}, row{"chr1\n", "line 1"}, row{"chr1\t0\n", "line 1"},
        row{"chr1\t4294967296\n", "line 1"}, row{"chr1\t-5\n", "line 1"},
        row{"chr1\t500\nchr1\t500\n", "a chromosome twice"}, row{"# nothing\n", "without sizes"}}) {
    INFO(each.text);
    write(work.dir / "sizes", each.text);
    const auto told = work.attribute(lines + sizes);
    CHECK(told.code == 3);
    CHECK(told.id() == "dnalm.input.729");
    CHECK_THAT(told.err, Catch::Contains(each.words));
    CHECK(work.dir.entries() == std::set<std::string>{"s.fa", "sizes"});
  }
  write(work.dir / "sizes", "chr1\t116\n");
  CHECK(work.attribute(lines + sizes).err == "");
  CHECK(work.attribute(sizes).id() == "dnalm.usage.702");
  CHECK(work.attribute("--bedgraph " + (work.dir / "sizes") + sizes).id() == "dnalm.usage.733");
  fs::remove(work.dir.path / "sizes");
  CHECK(work.attribute(lines + sizes).id() == "dnalm.io.170");
}
