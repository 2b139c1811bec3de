// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/sequence_file.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <support/catch.hpp>

#include "text_files.hpp"

using dnalm::unknown_policy;
using dnalm::io::sequence_table;
using dnalm_test::error_id_of;
using dnalm_test::gzip;

namespace {

sequence_table read(const std::string& content, unknown_policy unknown = unknown_policy::error) {
  const dnalm_test::temporary_folder folder;
  return dnalm::io::read_sequences(folder.write("file", content), {.unknown = unknown});
}

std::string id_for(const std::string& content) {
  return error_id_of([&] { static_cast<void>(read(content)); });
}

std::string message_for(const std::string& content) {
  try {
    static_cast<void>(read(content));
  } catch (const dnalm::error& e) {
    return e.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void require_two_records(const sequence_table& table) {
  REQUIRE(table.records.size() == 2);
  REQUIRE(table.records[0].name == "one");
  REQUIRE(table.records[0].sequence == "ACGTACGT");
  REQUIRE(table.records[0].number == 0);
  REQUIRE(table.records[1].name == "two");
  REQUIRE(table.records[1].sequence == "NNA");
  REQUIRE(table.records[1].number == 1);
}

}  // namespace

TEST_CASE("FASTA: several lines, any line end, blanks at line ends, first word as name", "[io_text]") {
  require_two_records(read(">one first record\nACGT\nacgt\n>two\nNNA\n"));
  require_two_records(read(">one first record\r\nACGT\r\nACGT\r\n\r\n>two\r\nNNA"));
  require_two_records(read("\n> one\nACGT  \nACGT\t\n\n\n>two\nN\nN\nA\n\n"));
  require_two_records(read("\xEF\xBB\xBF>one\nACGTACGT\n>two\nNNA\n"));
  require_two_records(read(gzip(">one\nACGTACGT\n>two\nNNA\n")));
  require_two_records(read(gzip(">one\nACGT") + gzip("ACGT\n>two\nNNA\n")));
}

TEST_CASE("FASTQ: four lines a record, qualities that begin with @ and +", "[io_text]") {
  require_two_records(read("@one x\nACGTACGT\n+\n@@@@@@@@\n@two\nNNA\n+two\n+++\n"));
  require_two_records(read("@one x\r\nACGTACGT\r\n+\r\nIIIIIIII\r\n@two\r\nNNA\r\n+two\r\n!~I\r\n\r\n"));
}

TEST_CASE("tables: tab or comma, told by the header", "[io_text]") {
  require_two_records(read("name\tsequence\none\tACGTACGT\ntwo\tnna\n"));
  require_two_records(read("sequence,name,other\nACGTACGT,one,1\nNNA,two,2\n\n\n"));
  require_two_records(
      read("# made by a program\nname\tsequence\n# remark\none\tACGTACGT\ntwo\tNNA\n# end\n"));
  require_two_records(read("\"name\",\"sequence\"\r\n\"one\",\"ACGTACGT\"\r\n\"two\",NNA\r\n"));
}

TEST_CASE("a record without a name is named by its number from 0", "[io_text]") {
  const sequence_table table = read("sequence\nACGT\nAAAA\n");
  REQUIRE(table.records[0].name == "0");
  REQUIRE(table.records[1].name == "1");
  REQUIRE(read(">\nACGT\n>  \nA\n").records[1].name == "1");
}

TEST_CASE("labels: one, several, missing, and the numbers themselves", "[io_text]") {
  const sequence_table one = read("sequence\tlabel\nA\t1.5\nA\t\nA\tNaN\nA\t-2e-3\nA\t +3 \n");
  REQUIRE(one.targets == std::vector<std::string>{"label"});
  REQUIRE(one.records[0].labels[0] == 1.5);
  REQUIRE(std::isnan(one.records[1].labels[0]));
  REQUIRE(std::isnan(one.records[2].labels[0]));
  REQUIRE(one.records[3].labels[0] == -2e-3);
  REQUIRE(one.records[4].labels[0] == 3.0);
  const sequence_table two = read("label.dev,sequence,label.hk\n1,A,2\n,C,nan\n");
  REQUIRE(two.targets == std::vector<std::string>{"dev", "hk"});
  REQUIRE(two.records[0].labels == std::vector<double>{1, 2});
  REQUIRE(std::isnan(two.records[1].labels[0]));
  REQUIRE(read("sequence\nA\n").targets.empty());
}

TEST_CASE("a label that is no number is an error with line and column", "[io_text]") {
  for (const std::string bad :
       {"x", "1,5", "1e999", "inf", "1.0.0", "0x10", "--1", "+", "+-1", "1 2", "nano"}) {
    const std::string message = message_for("sequence\tlabel.a\nA\t1\nC\t" + bad + "\n");
    INFO(bad);
    REQUIRE(contains(message, "dnalm.input.189"));
    REQUIRE(contains(message, "line 3"));
    REQUIRE(contains(message, "label.a"));
  }
}

TEST_CASE("split and group are read and checked", "[io_text]") {
  const sequence_table table =
      read("sequence\tsplit\tgroup\nA\ttrain\tchr1\nC\tvalid\tchr2\nG\ttest\tchr2\n");
  REQUIRE(table.has_split);
  REQUIRE(table.has_group);
  REQUIRE(table.records[1].split == "valid");
  REQUIRE(table.records[2].group == "chr2");
  REQUIRE_FALSE(read("sequence\nA\n").has_split);
  REQUIRE(id_for("sequence\tsplit\nA\tTrain\n") == "dnalm.input.190");
  REQUIRE(id_for("sequence\tsplit\nA\t\n") == "dnalm.input.190");
  REQUIRE(contains(message_for("sequence\tsplit\nA\ttrain\nA\tdev\n"), "line 3"));
  REQUIRE(id_for("sequence\tgroup\nA\t\n") == "dnalm.input.191");
}

TEST_CASE("comma-separated quotes follow RFC 4180", "[io_text]") {
  const sequence_table table =
      read("name,sequence,note\n\"a,b\",ACGT,\"two\r\nlines, \"\"quoted\"\"\"\n\"c \"\"d\"\"\",\"AAAA\",\n");
  REQUIRE(table.records.size() == 2);
  REQUIRE(table.records[0].name == "a,b");
  REQUIRE(table.records[1].name == "c \"d\"");
  REQUIRE(table.records[1].sequence == "AAAA");
  REQUIRE(id_for("name,sequence\n\"a,ACGT\n") == "dnalm.format.188");
  REQUIRE(id_for("name,sequence\n\"a\"b,ACGT\n") == "dnalm.format.188");
  REQUIRE(id_for("name,sequence\na\"b,ACGT\n") == "dnalm.format.188");
  REQUIRE(id_for("name,sequence\n\"a\nb\",ACGT\n") == "dnalm.input.195");
}

TEST_CASE("tab-separated fields are taken as they stand, quotes included", "[io_text]") {
  REQUIRE(read("name\tsequence\n\"a\"\tACGT\n").records[0].name == "\"a\"");
}

TEST_CASE("rows of another length are errors with their line", "[io_text]") {
  REQUIRE(contains(message_for("name\tsequence\na\tACGT\nb\n"), "line 3"));
  REQUIRE(id_for("name\tsequence\na\tACGT\tx\n") == "dnalm.format.187");
  REQUIRE(id_for("name,sequence\na,ACGT,x\n") == "dnalm.format.187");
  REQUIRE(id_for("name\tsequence\na\tACGT\n\nb\tACGT\n") == "dnalm.format.196");
  REQUIRE(id_for("sequence\nACGT\n\nACGT\n") == "dnalm.format.196");
}

TEST_CASE("headers that cannot be used are errors", "[io_text]") {
  REQUIRE(id_for("name\tseq\na\tACGT\n") == "dnalm.format.185");
  REQUIRE(contains(message_for("name\tseq\na\tACGT\n"), "name seq"));
  REQUIRE(id_for("sequence\tlabel\tlabel.a\nA\t1\t2\n") == "dnalm.format.185");
  REQUIRE(id_for("sequence\tlabel.\nA\t1\n") == "dnalm.format.185");
  REQUIRE(id_for("sequence\tsequence\nA\tA\n") == "dnalm.format.186");
  REQUIRE(id_for("ACGTACGT\nACGT\n") == "dnalm.format.185");
}

TEST_CASE("empty files and empty sequences are errors", "[io_text]") {
  for (const std::string text : {"", "\n\n", "\xEF\xBB\xBF", "# remark\n", "sequence\tname\n"}) {
    REQUIRE(id_for(text) == "dnalm.input.193");
  }
  REQUIRE(id_for(gzip("")) == "dnalm.input.193");
  REQUIRE(id_for(">one\n>two\nACGT\n") == "dnalm.input.181");
  REQUIRE(id_for(">one\nACGT\n>two\n") == "dnalm.input.181");
  REQUIRE(id_for("@one\n\n+\n\n") == "dnalm.input.181");
  REQUIRE(id_for("name\tsequence\na\t\n") == "dnalm.input.181");
  REQUIRE(contains(message_for(">one\nA\n>two\n\n"), "\"two\""));
}

TEST_CASE("broken FASTQ is an error", "[io_text]") {
  REQUIRE(id_for("@one\nACGT\n+\nIII\n") == "dnalm.format.183");
  REQUIRE(id_for("@one\nACGT\n+\nIIIII\n") == "dnalm.format.183");
  REQUIRE(id_for("@one\nACGT\n+\n") == "dnalm.format.182");
  REQUIRE(id_for("@one\nACGT\n") == "dnalm.format.182");
  REQUIRE(id_for("@one\n") == "dnalm.format.182");
  REQUIRE(id_for("@one\nACGT\nACGT\nIIII\n") == "dnalm.format.182");
  REQUIRE(id_for("@one\nACGT\n+\nIIII\ntwo\nA\n+\nI\n") == "dnalm.format.182");
  REQUIRE(id_for("@one\nACGT\n+\nI I\t\n") == "dnalm.format.182");
}

TEST_CASE("a name used twice is an error that names both records", "[io_text]") {
  const std::string message = message_for(">a\nA\n>b\nA\n>a x\nC\n");
  REQUIRE(contains(message, "dnalm.input.192"));
  REQUIRE(contains(message, "\"a\" in record 1 and in record 3"));
  REQUIRE(id_for("name\tsequence\n1\tA\n\tA\n") == "dnalm.input.192");
}

TEST_CASE("letters follow the policy, and errors name record, position and letter", "[io_text]") {
  const std::string message = message_for(">one\nACGT\n>two\nAC\nGXA\n");
  REQUIRE(contains(message, "dnalm.input.150"));
  REQUIRE(contains(message, "record \"two\""));
  REQUIRE(contains(message, "'X' at position 4"));
  REQUIRE(contains(message_for("sequence\tname\nACGU\tr\n"), "RNA"));
  REQUIRE(read(">one\nACRYxacgt\n", unknown_policy::n).records[0].sequence == "ACNNNACGT");
  REQUIRE(read("sequence\nac<mask> gt\n", unknown_policy::literal).records[0].sequence == "ac<mask> gt");
  REQUIRE(id_for(">one\nAC GT\n") == "dnalm.input.150");
}

TEST_CASE("binary data is an error, whatever its first byte", "[io_text]") {
  REQUIRE(id_for(std::string(">a\nAC\0GT\n", 9)) == "dnalm.format.175");
  std::string noise;
  for (int i = 0; i < 1000; ++i) noise += static_cast<char>((i * 7919) % 251);
  REQUIRE_FALSE(id_for(noise).empty());
  REQUIRE_FALSE(id_for("\x89PNG\r\n\x1A\n").empty());
}

TEST_CASE("every cut of a good file is read or refused, never a crash", "[io_text]") {
  const std::string good = "name,sequence,label,split\n\"a\",ACGT,1,train\nb,\"ACNN\",,test\n";
  for (std::size_t size = 0; size <= good.size(); ++size) {
    const std::string id = id_for(good.substr(0, size));
    REQUIRE_FALSE(id.starts_with("other"));
  }
  const std::string packed = gzip(good);
  for (std::size_t at = 0; at < packed.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = packed;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      REQUIRE_FALSE(id_for(changed).starts_with("other"));
    }
  }
}
