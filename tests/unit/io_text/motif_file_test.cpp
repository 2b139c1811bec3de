// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include <dnalm/io/motif_file.hpp>
#include <support/catch.hpp>
#include <unit/io_text/text_files.hpp>

namespace {

using Catch::Matchers::Contains;
using dnalm::io::read_motifs;
using dnalm_test::error_id_of;
using dnalm_test::temporary_folder;

const std::string meme_head =
    "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
    "Background letter frequencies (from a file):\nA 0.3 C 0.2 G 0.2\n T 0.3\n\n";
const std::string meme_motif =
    "MOTIF M1 first\nletter-probability matrix: alength= 4 w= 2 nsites= 17 E= 4.1e-009\n"
    " 0.5 0.25 0.25 0\n0 0 0 1.000001\n\nURL https://example.org\n\n";

std::string id_of(const std::string& text) {
  const temporary_folder folder("motifs");
  const auto file = folder.write("motifs.txt", text);
  return error_id_of([&] { (void)read_motifs(file); });
}

TEST_CASE("MEME motifs are read with names, background and sites", "[motif]") {
  const temporary_folder folder("motifs");
  const std::string bare =
      "MOTIF M2\nletter-probability matrix:\n0.1 0.2 0.3 0.4\nMOTIF M3\nletter-probability "
      "matrix: alength=4 w=1 nsites=0\n1 0 0 0\n";
  const std::string text = meme_head + meme_motif + bare;
  for (const auto& file : {folder.write("a.meme", text), folder.write("a.meme.gz", dnalm_test::gzip(text))}) {
    const auto list = read_motifs(file);
    REQUIRE(list.motifs.size() == 3);
    REQUIRE(list.background.has_value());
    CHECK(std::abs((*list.background)[3] - 0.3) < 1e-15);
    CHECK(list.motifs[0].name == "M1");
    CHECK(list.motifs[0].alternate == "first");
    REQUIRE(list.motifs[0].width() == 2);
    CHECK(list.motifs[0].counts[0] == 8.5);
    CHECK(list.motifs[0].counts[7] == 17);  // the row's sum is 1 after rounding in the file
    CHECK(list.motifs[1].width() == 1);
    CHECK(std::abs(list.motifs[1].counts[3] - 8) < 1e-12);  // 20 sites where none are stated
    CHECK(list.motifs[2].counts[0] == 20);
  }
}

TEST_CASE("JASPAR matrices are read with and without letters", "[motif]") {
  const temporary_folder folder("motifs");
  const auto file =
      folder.write("a.jaspar",
                   ">MA0001.1\tAGL3\nA  [ 0  3 79 ]\nC  [94 75  4 ]\nG  [ 1  0 3]\nT [2 19 11 ]\n\n"
                   ">MA0002.1\n10 12\n2 2\n3 1\n11 9\n");
  const auto list = read_motifs(file);
  REQUIRE(list.motifs.size() == 2);
  CHECK_FALSE(list.background.has_value());
  CHECK(list.motifs[0].name == "MA0001.1");
  CHECK(list.motifs[0].alternate == "AGL3");
  CHECK(list.motifs[0].counts == std::vector<double>{0, 94, 1, 2, 3, 75, 0, 19, 79, 4, 3, 11});
  CHECK(list.motifs[1].counts == std::vector<double>{10, 2, 3, 11, 12, 2, 1, 9});
}

TEST_CASE("remarks stand before the first motif", "[motif]") {
  const temporary_folder folder("motifs");
  const auto file = folder.write("a.jaspar", "# source\n\n# licence\n>M1\n1\n2\n3\n4\n");
  const auto list = read_motifs(file);
  REQUIRE(list.motifs.size() == 1);
  CHECK(list.motifs[0].counts == std::vector<double>{1, 2, 3, 4});
}

TEST_CASE("a background without a letter is refused with file and line", "[motif]") {
  const temporary_folder folder("motifs");
  const auto file = folder.write(
      "zero.meme", "MEME version 4\n\nBackground letter frequencies\nA 0.5 C 0 G 0 T 0.5\n" + meme_motif);
  CHECK_THROWS_WITH(read_motifs(file), Contains("dnalm.format.155") && Contains("zero.meme") &&
                                           Contains("line 4") && Contains("above 0"));
}

TEST_CASE("files that are no motifs, or broken ones, are errors", "[motif]") {
  const std::string broken = "dnalm.format.155";
  CHECK(id_of("") == "dnalm.input.157");
  CHECK(id_of("# only a remark\n") == "dnalm.input.157");
  CHECK(id_of(meme_head) == "dnalm.input.157");
  CHECK(id_of("ACGT\n") == broken);
  CHECK(id_of("MEME version 3\n" + meme_motif) == broken);
  CHECK(id_of("MEME version 4\nALPHABET= ACGU\n" + meme_motif) == "dnalm.unsupported.156");
  CHECK(id_of("MEME version 4\nALPHABET= ACDEFGHIKLMNPQRSTVWY\n" + meme_motif) == "dnalm.unsupported.156");
  CHECK(id_of(meme_head + "MOTIF\n") == broken);
  CHECK(id_of(meme_head + "MOTIF M1\n") == broken);
  CHECK(id_of(meme_head + "MOTIF M1\nMOTIF M2\n") == broken);
  const std::string matrix = "letter-probability matrix: alength= 4 w= 2\n";
  CHECK(id_of(meme_head + matrix + "1 0 0 0\n1 0 0 0\n") == broken);
  for (const std::string rows :
       {"1 0 0 0\n", "1 0 0 0\n1 0 0\n", "1 0 0 0\n1 0 0 0 0\n", "1 0 0 0\n1 0 0 x\n", "1 0 0 0\n0.5 0 0 0\n",
        "1 0 0 0\n-1 2 0 0\n", "1 0 0 0\nnan 0 0 1\n", "1 0 0 0\n1e400 0 0 0\n", ""}) {
    INFO(rows);
    CHECK(id_of(meme_head + "MOTIF M1\n" + matrix + rows) == broken);
  }
  for (const std::string header :
       {"alength= 20 w= 1", "alength= 4 w= -1", "alength= 4 w= 1.5", "w= 1 nsites= x", "w="}) {
    INFO(header);
    CHECK(id_of(meme_head + "MOTIF M1\nletter-probability matrix: " + header + "\n1 0 0 0\n") == broken);
  }
  CHECK(id_of("MEME version 4\nBackground letter frequencies\nA 0.5 C 0.5\n") == broken);
  CHECK(id_of("MEME version 4\nBackground letter frequencies\nA 1 C 1 G 1 T 1\n") == broken);
  for (const std::string rows :
       {"1 2\n3 4\n5 6\n", "1 2\n3 4\n5 6\n7\n", "1 2\n3 4\n5 6\n7 8\n9 10\n", "1 0\n1 0\n1 0\n1 0\n",
        "-1\n3\n5\n7\n", "A 1\nC 1\nT 1\nG 1\n", "inf\n3\n5\n7\n", "A []\nC []\nG []\nT []\n"}) {
    INFO(rows);
    CHECK(id_of(">M1\n" + rows) == broken);
  }
  CHECK(id_of(">\n1\n1\n1\n1\n") == broken);
  std::string wide = ">M1\n";
  for (int row = 0; row < 4; ++row) {
    for (int i = 0; i < 10001; ++i) wide += "1 ";
    wide += '\n';
  }
  CHECK(id_of(wide) == broken);
}

}  // namespace
