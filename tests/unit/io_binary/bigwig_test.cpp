// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/bigwig.hpp>

#if defined(DNALM_WITH_BIGWIG)

#include <bigWig.h>

#include <memory>
#include <string>
#include <vector>

#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

namespace {

using dnalm::index_t;
using dnalm::io::track_interval;
using dnalm::io::write_bigwig;
using dnalm_test::error_id_of;

struct closer {
  void operator()(bigWigFile_t* file) const { bwClose(file); }
  void operator()(bwOverlappingIntervals_t* list) const { bwDestroyOverlappingIntervals(list); }
};

TEST_CASE("a bigWig file gives back every interval, chromosome and length", "[bigwig]") {
  const dnalm_test::temporary_folder folder("bigwig");
  std::vector<track_interval> track;
  for (index_t i = 0; i < 70000; ++i) {  // more than one piece
    track.push_back({"chr10", 3 * i, 3 * i + 2, 0.25 * static_cast<double>(i % 7) - 1});
  }
  track.push_back({"chr2", 5, 6, -3.5});
  const auto file = folder / "a.bw";
  write_bigwig(file, track, {{"chr10", 300000}, {"chr3", 17}});
  CHECK(folder.files() == 1);
  const std::unique_ptr<bigWigFile_t, closer> opened(bwOpen(file.c_str(), nullptr, "r"));
  REQUIRE(opened);
  REQUIRE(opened->cl->nKeys == 3);
  CHECK(std::string(opened->cl->chrom[0]) == "chr10");
  CHECK(opened->cl->len[0] == 300000);
  CHECK(std::string(opened->cl->chrom[1]) == "chr2");
  CHECK(opened->cl->len[1] == 6);  // the end of its last interval
  CHECK(opened->cl->len[2] == 17);
  CHECK(opened->hdr->nBasesCovered == 140001);
  CHECK(opened->hdr->nLevels > 0);
  const std::unique_ptr<bwOverlappingIntervals_t, closer> read(
      bwGetOverlappingIntervals(opened.get(), "chr10", 0, 300000));
  REQUIRE(read);
  REQUIRE(read->l == 70000);
  for (std::uint32_t i = 0; i < read->l; ++i) {
    REQUIRE(read->start[i] == 3 * i);
    REQUIRE(read->end[i] == 3 * i + 2);
    REQUIRE(read->value[i] == 0.25F * static_cast<float>(i % 7) - 1.0F);
  }
}

TEST_CASE("a bigWig file that cannot be written leaves the target as it was", "[bigwig]") {
  const dnalm_test::temporary_folder folder("bigwig");
  const auto file = folder.write("a.bw", "kept");
  const auto id = [&](const std::vector<track_interval>& track,
                      const std::map<std::string, index_t>& lengths) {
    return error_id_of([&] { write_bigwig(file, track, lengths); });
  };
  CHECK(id({}, {{"c", 5}}) == "dnalm.usage.159");
  CHECK(id({{"c", 0, 9, 1}}, {{"c", 5}}) == "dnalm.usage.159");
  CHECK(id({{"c", 0, 9, 1}}, {{"c", 9}, {"d", 0}}) == "dnalm.usage.159");
  CHECK(id({{"c", 4, 9, 1}, {"c", 1, 2, 1}}, {}) == "dnalm.usage.159");
  CHECK(folder.files() == 1);
  CHECK(std::filesystem::file_size(file) == 4);
  const std::vector<track_interval> track = {{"c", 0, 9, 1}};
  CHECK(error_id_of([&] { write_bigwig(folder / "missing/a.bw", track); }) == "dnalm.io.222");
  CHECK(error_id_of([&] { write_bigwig("/dev/full", track); }) == "dnalm.io.222");
  write_bigwig(file, track);
  CHECK(std::filesystem::file_size(file) > 4);
}

}  // namespace

#endif
