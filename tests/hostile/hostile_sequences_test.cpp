// SPDX-License-Identifier: Apache-2.0
// Files of sequences, tables, genomes and arrays that are hostile: each with the error that must follow.
#include "hostile_case.hpp"

#include <support/zip_builder.hpp>

#include <dnalm/io/motif_file.hpp>
#include <dnalm/io/npy.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/io/two_bit.hpp>

using namespace dnalm_test;

namespace {

const std::string file = "sequences";

auto text(const std::string& content) {
  return [=](const fs::path& f) { write_text(f / file, content); };
}

/// Small limits, so that the rows about them are quick.
void read_all(const fs::path& folder) {
  dnalm::io::sequence_file_options options;
  options.limits = {.line_bytes = 1 << 20, .total_bytes = 1 << 22};
  (void)dnalm::io::read_sequences(folder / file, options);
}

std::string gzip(const std::string& content) {
  return compressed(content, 31);
}

const std::string fasta = ">one remark\nACGTN\nacgt\n>two\r\nGGG\r\n";
const std::string fastq = "@r1\nACGT\n+\nIIII\n@r2\nAC\n+r2\nII\n";
const std::string table =
    "name\tsequence\tlabel\tsplit\tgroup\ns1\tACGT\t1.5\ttrain\tg1\ns2\tGGNN\tnan\ttest\tg2\n";
const std::string csv = "name,sequence,label\ns1,ACGT,1\n\"s,2\",\"GG\",2\n";

template <class Use>
void check(const std::vector<hostile_case>& rows, Use&& use) {
  check_table(rows);
  for (const auto& row : rows)
    check_case(
        row, [](const fs::path&) {}, use);
}

}  // namespace

TEST_CASE("hostile FASTA and FASTQ files are refused with their error", "[hostile]") {
  const std::vector<hostile_case> rows = {
      {"fasta_right", "nothing", "", text(fasta)},
      {"fastq_right", "nothing", "", text(fastq)},
      {"missing", "there is no file", "dnalm.io.170", [](const fs::path&) {}},
      {"folder", "a folder", "dnalm.io.170", [](const fs::path& f) { fs::create_directory(f / file); }},
      {"loop", "a link to itself", "dnalm.io.170",
       [](const fs::path& f) { fs::create_symlink(file, f / file); }},
      {"empty", "an empty file", "dnalm.input.193", text("")},
      {"blank", "blank lines only", "dnalm.input.193", text("\n\n  \n")},
      {"mark_alone", "a byte order mark only", "dnalm.input.193", text("\xEF\xBB\xBF")},
      {"fasta_header_alone", "a header without letters", "dnalm.input.181", text(">one\n")},
      {"fasta_header_last", "a last header without letters", "dnalm.input.181", text(fasta + ">three\n")},
      {"fasta_header_only_mark", "a file of one >", "dnalm.input.181", text(">")},
      {"fasta_two_headers", "two headers in a row", "dnalm.input.181", text(">one\n>two\nACGT\n")},
      {"fasta_no_header", "letters without a header", "dnalm.format.185", text("ACGT\nACGT\n")},
      {"fasta_letter", "a letter that is not DNA", "dnalm.input.150", text(">one\nACGX\n")},
      {"fasta_gap", "a gap of an alignment", "dnalm.input.150", text(">one\nAC-GT\n")},
      {"fasta_blank_inside", "a blank between letters", "dnalm.input.150", text(">one\nAC GT\n")},
      {"fasta_rna", "RNA", "dnalm.input.151", text(">one\nACGU\n")},
      {"fasta_letter_unicode", "a letter beyond ASCII", "dnalm.input.150", text(">one\nAC\xCE\x91GT\n")},
      {"fasta_nul", "a NUL among letters", "dnalm.format.175",
       text(">one\nAC" + std::string(1, '\0') + "GT\n")},
      {"fasta_nul_name", "a NUL in a name", "dnalm.format.175",
       text(">o" + std::string(1, '\0') + "ne\nACGT\n")},
      {"fasta_escape", "a terminal's escape sequence in a name", "dnalm.format.175",
       text(">\x1b[2Jone\nACGT\n")},
      {"fasta_delete", "a delete character", "dnalm.format.175", text(">one\nAC\x7fGT\n")},
      {"fasta_return", "lines that end with a carriage return alone", "dnalm.format.175",
       text(">one\rACGT\r")},
      {"fasta_twice", "two records of one name", "dnalm.input.192", text(">one\nA\n>one\nC\n")},
      {"fasta_number_name", "a name that is the number of a record without one", "dnalm.input.192",
       text(">\nA\n>0\nC\n")},
      {"utf16", "UTF-16", "dnalm.format.175", text(std::string("\xFF\xFE>\0a\0\n\0A\0", 10))},
      {"latin1", "a name in Latin-1", "dnalm.format.176", text(">Gr\xFC\xDF\nACGT\n")},
      {"overlong", "an overlong UTF-8 form", "dnalm.format.176", text(">\xC0\xAF\nACGT\n")},
      {"surrogate", "a UTF-8 surrogate", "dnalm.format.176", text(">\xED\xA0\x80\nACGT\n")},
      {"elf", "a program", "dnalm.format.175",
       text(std::string("\x7f"
                        "ELF\2\1\1\0\0\0",
                        10))},
      {"fastq_lengths", "fewer qualities than letters", "dnalm.format.183", text("@r\nACGT\n+\nIII\n")},
      {"fastq_more", "more qualities than letters", "dnalm.format.183", text("@r\nACGT\n+\nIIIII\n")},
      {"fastq_no_qualities", "the qualities are missing", "dnalm.format.182", text("@r\nACGT\n+\n")},
      {"fastq_cut", "cut behind the letters", "dnalm.format.182", text("@r\nACGT\n")},
      {"fastq_cut_header", "cut behind the header", "dnalm.format.182", text("@r\n")},
      {"fastq_no_plus", "no + behind the letters", "dnalm.format.182", text("@r\nACGT\nACGT\nIIII\n")},
      {"fastq_no_mark", "a second record without @", "dnalm.format.182", text(fastq + "r3\nAC\n+\nII\n")},
      {"fastq_empty", "a record without letters", "dnalm.input.181", text("@r\n\n+\n\n")},
      {"fastq_quality", "a quality that is a blank", "dnalm.format.182", text("@r\nACG\n+\nI I\n")},
      {"line_long", "a line beyond the limit", "dnalm.memory.174",
       text(">one\n" + std::string(3u << 20, 'A') + "\n")},
      {"text_long", "a text beyond the limit", "dnalm.memory.174",
       [](const fs::path& f) {
         std::string content = ">one\n";
         for (int i = 0; i < 80; ++i) content += std::string(65'535, 'A') + "\n";
         write_text(f / file, content);
       }},
      {"gzip_right", "nothing: two members", "", text(gzip(">one\nAC\n") + gzip("GT\n"))},
      {"gzip_header", "ten bytes of gzip", "dnalm.format.172", text(gzip(fasta).substr(0, 10))},
      {"gzip_magic", "two bytes of gzip", "dnalm.format.172", text(gzip(fasta).substr(0, 2))},
      {"gzip_cut", "gzip that ends in the middle", "dnalm.format.172", text(gzip(fasta).substr(0, 30))},
      {"gzip_cut_sum", "gzip without its last byte", "dnalm.format.172",
       [](const fs::path& f) {
         const std::string packed = gzip(fasta);
         write_text(f / file, packed.substr(0, packed.size() - 1));
       }},
      {"gzip_checksum", "gzip with a wrong checksum", "dnalm.format.172",
       [](const fs::path& f) {
         std::string packed = gzip(fasta);
         packed[packed.size() - 6] ^= 1;
         write_text(f / file, packed);
       }},
      {"gzip_length", "gzip with a wrong length", "dnalm.format.172",
       [](const fs::path& f) {
         std::string packed = gzip(fasta);
         packed[packed.size() - 2] ^= 1;
         write_text(f / file, packed);
       }},
      {"gzip_damaged", "gzip with a broken stream", "dnalm.format.172",
       [](const fs::path& f) {
         std::string packed = gzip(fasta);
         packed[10] = '\x07';  // a block of a reserved kind
         write_text(f / file, packed);
       }},
      {"gzip_trailing", "text behind gzip", "dnalm.format.172", text(gzip(fasta) + ">three\nAC\n")},
      {"gzip_zeros_then_text", "text behind zeros behind gzip", "dnalm.format.172",
       text(gzip(fasta) + std::string(10, '\0') + "x")},
      {"gzip_gzip", "gzip inside gzip", "dnalm.format.175", text(gzip(gzip(fasta)))},
      {"gzip_bomb", "a line of 64 MiB in 64 kB", "dnalm.memory.174",
       text(gzip(">" + std::string(64u << 20, 'A')))},
      {"gzip_empty", "an empty gzip", "dnalm.input.193", text(gzip(""))},
      {"zip", "a ZIP archive", "dnalm.unsupported.173", text("PK\x03\x04" + fasta)},
      {"bzip2", "bzip2", "dnalm.unsupported.173", text("BZh91AY&SY" + fasta)},
      {"bzip2_cut", "three bytes of bzip2", "dnalm.format.185", text("BZh")},
      {"xz", "xz", "dnalm.unsupported.173",
       text(std::string("\xFD"
                        "7zXZ\0",
                        6) +
            fasta)},
      {"zstd", "zstd", "dnalm.unsupported.173", text("\x28\xB5\x2F\xFD" + fasta)},
  };
  check(rows, read_all);
}

TEST_CASE("hostile tables are refused with their error", "[hostile]") {
  const std::vector<hostile_case> rows = {
      {"table_right", "nothing", "", text(table)},
      {"csv_right", "nothing", "", text(csv)},
      {"table_header_alone", "no rows", "dnalm.input.193", text("name\tsequence\n")},
      {"table_remarks_alone", "remarks only", "dnalm.input.193", text("# a\n# b\n")},
      {"table_no_sequence", "no column of sequences", "dnalm.format.185",
       text(replaced(table, "sequence", "dna"))},
      {"table_case", "the column is named Sequence", "dnalm.format.185",
       text(replaced(table, "sequence", "Sequence"))},
      {"table_two_columns", "two columns of one name", "dnalm.format.186",
       text(replaced(table, "label", "sequence"))},
      {"table_both_labels", "label beside label.x", "dnalm.format.185",
       text("sequence\tlabel\tlabel.x\nA\t1\t2\n")},
      {"table_label_no_name", "a label without a name", "dnalm.format.185", text("sequence\tlabel.\nA\t1\n")},
      {"table_short_row", "a row with fewer fields", "dnalm.format.187", text(table + "s3\tACGT\t1\n")},
      {"table_long_row", "a row with more fields", "dnalm.format.187",
       text(table + "s3\tACGT\t1\ttrain\tg\tx\n")},
      {"table_blank_row", "a blank line between rows", "dnalm.format.196",
       text(table + "\ns3\tACGT\t1\ttrain\tg\n")},
      {"table_label_text", "a label that is no number", "dnalm.input.189",
       text(replaced(table, "1.5", "1,5"))},
      {"table_label_hex", "a label in hexadecimal", "dnalm.input.189", text(replaced(table, "1.5", "0x10"))},
      {"table_label_inf", "an infinite label", "dnalm.input.189", text(replaced(table, "1.5", "inf"))},
      {"table_label_1e999", "a label of 1e999", "dnalm.input.189", text(replaced(table, "1.5", "1e999"))},
      {"table_label_trailing", "text behind a number", "dnalm.input.189",
       text(replaced(table, "1.5", "1.5x"))},
      {"table_label_long", "a label of 100,000 letters", "dnalm.input.189",
       text(replaced(table, "1.5", std::string(100'000, 'x')))},
      {"table_split", "an unknown split", "dnalm.input.190", text(replaced(table, "train", "dev"))},
      {"table_split_empty", "an empty split", "dnalm.input.190", text(replaced(table, "train", ""))},
      {"table_group_empty", "an empty group", "dnalm.input.191", text(replaced(table, "g1", ""))},
      {"table_name_twice", "two rows of one name", "dnalm.input.192", text(replaced(table, "s2", "s1"))},
      {"table_name_long", "two rows of one name of a megabyte", "dnalm.input.192",
       text("name\tsequence\n" + std::string(1'000'000, 'n') + "\tA\n" + std::string(1'000'000, 'n') +
            "\tA\n")},
      {"table_empty_sequence", "an empty sequence", "dnalm.input.181", text(replaced(table, "ACGT", ""))},
      {"table_letter", "a letter that is not DNA", "dnalm.input.150", text(replaced(table, "ACGT", "AC*T"))},
      {"table_control", "a control character in a field", "dnalm.format.175",
       text(replaced(table, "s1", "s\b1"))},
      {"csv_open_quote", "a quote that is never closed", "dnalm.format.188", text(csv + "\"s3,ACGT,3\n")},
      {"csv_behind_quote", "text behind a closing quote", "dnalm.format.188", text(csv + "\"s3\"x,ACGT,3\n")},
      {"csv_inner_quote", "a quote inside a field without quotes", "dnalm.format.188",
       text(csv + "s\"3,ACGT,3\n")},
      {"csv_line_in_name", "a name of two lines", "dnalm.input.195", text(csv + "\"s\n3\",ACGT,3\n")},
      {"csv_open_quote_long", "a quote open over 5 MB", "dnalm.memory.174",
       [](const fs::path& f) {
         std::string content = csv + "\"";
         for (int i = 0; i < 80; ++i) content += std::string(65'535, 'A') + "\n";
         write_text(f / file, content);
       }},
      {"table_many_columns", "100,000 columns without sequences", "dnalm.format.185",
       [](const fs::path& f) {
         std::string content = "a";
         for (int i = 0; i < 100'000; ++i) content += "\tc" + std::to_string(i);
         write_text(f / file, content + "\n");
       }},
  };
  check(rows, read_all);
}

namespace {

/// A 2bit genome of one sequence `c`: length, N blocks, mask blocks, packed bases.
struct genome {
  std::uint64_t signature = 0x1A412743;
  std::uint64_t version = 0;
  std::uint64_t count = 1;
  std::uint64_t reserved = 0;
  std::string name = "c";
  std::uint64_t offset = 16 + 2 + 4;
  std::uint64_t length = 8;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> unknown = {{2, 2}};
  std::vector<std::pair<std::uint64_t, std::uint64_t>> masked = {{5, 3}};
  std::uint64_t claimed_blocks = 0;  // added to the number of N blocks

  [[nodiscard]] std::string bytes() const {
    std::string text = little(signature, 4) + little(version, 4) + little(count, 4) + little(reserved, 4);
    text += little(name.size(), 1) + name + little(offset, 4) + little(length, 4);
    const auto put = [&](const auto& blocks, std::uint64_t more) {
      text += little(blocks.size() + more, 4);
      for (const auto& block : blocks) text += little(block.first, 4);
      for (const auto& block : blocks) text += little(block.second, 4);
    };
    put(unknown, claimed_blocks);
    put(masked, 0);
    return text + little(0, 4) + std::string(2, '\x1b');
  }
};

auto two_bit(const genome& what) {
  return text(what.bytes());
}

}  // namespace

TEST_CASE("hostile 2bit genomes are refused with their error", "[hostile]") {
  const std::string right = genome().bytes();
  const auto open = [](const fs::path& f) {
    const dnalm::io::two_bit_file all(f / file);
    for (const auto& entry : all.sequences()) (void)all.sequence(entry.name);
  };
  std::vector<hostile_case> rows = {
      {"two_bit_right", "nothing", "", text(right)},
      {"two_bit_empty", "an empty file", "dnalm.format.200", text("")},
      {"two_bit_other", "another signature", "dnalm.format.200", two_bit({.signature = 0x1A412744})},
      {"two_bit_version", "version 2", "dnalm.format.200", two_bit({.version = 2})},
      {"two_bit_reserved", "a reserved field that is not 0", "dnalm.format.200", two_bit({.reserved = 1})},
      {"two_bit_count", "4 billion sequences", "dnalm.format.201", two_bit({.count = 0xFFFFFFFF})},
      {"two_bit_offset", "a sequence behind the file", "dnalm.format.202", two_bit({.offset = 0xFFFFFFF0})},
      {"two_bit_offset_0", "a sequence inside the header", "dnalm.format.202", two_bit({.offset = 0})},
      {"two_bit_no_name", "a sequence without a name", "dnalm.input.203",
       two_bit({.name = "", .offset = 21})},
      {"two_bit_length", "4 billion bases in two bytes", "dnalm.format.201", two_bit({.length = 0xFFFFFFFF})},
      {"two_bit_blocks", "4 billion N blocks", "dnalm.format.201", two_bit({.claimed_blocks = 0xFFFFFFF0})},
      {"two_bit_block_outside", "an N block behind the sequence", "dnalm.format.204",
       two_bit({.unknown = {{6, 4}}})},
      {"two_bit_block_2_32", "an N block whose end is beyond 32 bits", "dnalm.format.204",
       two_bit({.unknown = {{2, 0xFFFFFFFF}}})},
      {"two_bit_overlap", "N blocks that overlap", "dnalm.format.204",
       two_bit({.unknown = {{1, 3}, {2, 2}}})},
      {"two_bit_order", "N blocks out of order", "dnalm.format.204", two_bit({.unknown = {{4, 1}, {1, 1}}})},
      {"two_bit_mask_outside", "a mask block behind the sequence", "dnalm.format.204",
       two_bit({.masked = {{8, 1}}})},
      {"two_bit_trailing_cut", "the last byte of bases is missing", "dnalm.format.201",
       text(right.substr(0, right.size() - 1))},
  };
  for (std::size_t size = 4; size < right.size(); ++size) {
    rows.push_back({"two_bit_cut_" + std::to_string(size), "cut behind byte " + std::to_string(size),
                    "dnalm.format.201", text(right.substr(0, size))});
  }
  check(rows, open);
}

TEST_CASE("hostile npy and npz files are refused with their error", "[hostile]") {
  const auto npy = [](const std::string& header, const std::string& data, std::size_t claimed = 0) {
    const std::size_t length = claimed != 0 ? claimed : header.size();
    return text("\x93NUMPY" + std::string("\1\0", 2) + little(length, 2) + header + data);
  };
  const auto shaped = [&](const std::string& type, const std::string& shape, const std::string& data) {
    return npy("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n", data);
  };
  const auto read_array = [](const fs::path& f) { (void)dnalm::io::read_npy(f / file); };
  const std::string six(24, '\0');
  check(
      {
          {"npy_right", "nothing", "", shaped("<f4", "(2, 3)", six)},
          {"npy_empty", "an empty file", "dnalm.format.245", text("")},
          {"npy_cut_magic", "cut inside the signature", "dnalm.format.245", text("\x93NUM")},
          {"npy_cut_length", "cut inside the length of the header", "dnalm.format.245",
           text(std::string("\x93NUMPY\1\0\x10", 9))},
          {"npy_version", "version 9", "dnalm.format.245", text(std::string("\x93NUMPY\x09\0\0\0", 10))},
          {"npy_header_long", "a header longer than the file", "dnalm.format.245", npy("{}", "", 60'000)},
          {"npy_header_text", "a header that is no dictionary", "dnalm.format.246", npy("import os\n", six)},
          {"npy_header_call", "a header with a call", "dnalm.format.246",
           npy("{'descr': __import__('os').system('id'), 'fortran_order': False, 'shape': (6,)}\n", six)},
          {"npy_header_open", "a header that is not closed", "dnalm.format.246",
           npy("{'descr': '<f4', 'shape': (6,", six)},
          {"npy_no_shape", "no shape", "dnalm.format.246",
           npy("{'descr': '<f4', 'fortran_order': False}\n", six)},
          {"npy_shape_negative", "a negative extent", "dnalm.format.246", shaped("<f4", "(-6,)", six)},
          {"npy_shape_text", "an extent that is a text", "dnalm.format.246", shaped("<f4", "('6',)", six)},
          {"npy_objects", "Python objects", "dnalm.unsupported.247", shaped("|O", "(3,)", six)},
          {"npy_complex", "complex numbers", "dnalm.unsupported.247", shaped("<c8", "(3,)", six)},
          {"npy_dates", "dates", "dnalm.unsupported.247", shaped("<M8[ns]", "(3,)", six)},
          {"npy_short", "fewer data than the shape says", "dnalm.format.248", shaped("<f4", "(7,)", six)},
          {"npy_long", "more data than the shape says", "dnalm.format.248", shaped("<f4", "(5,)", six)},
          {"npy_2_62", "2^62 elements", "dnalm.format.248", shaped("|u1", "(4611686018427387904,)", six)},
          {"npy_overflow", "2^64 elements", "dnalm.format.249",
           shaped("<f4", "(4294967296, 4294967296)", six)},
          {"npy_overflow_zero", "2^64 times 0 elements", "dnalm.format.249",
           shaped("<f4", "(4294967296, 4294967296, 0)", "")},
          {"npy_text", "a text that is not Unicode", "dnalm.format.253",
           shaped("<U1", "(1,)", "\xff\xff\xff\xff")},
      },
      read_array);
  const auto read_archive = [](const fs::path& f) {
    const dnalm::io::npz_reader archive(f / file);
    for (const auto& name : archive.names()) (void)archive.read(name);
  };
  const auto archive = [](const std::string& content) {
    zip_builder zip;
    zip.add("x.npy", content, true);
    return text(zip.finish());
  };
  check(
      {
          {"npz_not_zip", "no ZIP archive", "dnalm.format.230", text("PK but not really")},
          {"npz_not_npy", "a member that is no array", "dnalm.format.245", archive("not an array")},
          {"npz_pickle", "a member that is a pickle", "dnalm.format.245", archive("\x80\x02]q\x01.")},
      },
      read_archive);
}
TEST_CASE("hostile files of motifs are refused with their error", "[hostile]") {
  const std::string meme = "MEME version 4\n\nMOTIF M1\nletter-probability matrix: ";
  const auto matrix = [&](const std::string& rest) { return text(meme + rest); };
  const std::string broken = "dnalm.format.155";
  check(
      {
          {"meme_right", "nothing", "", matrix("alength= 4 w= 1\n1 0 0 0\n")},
          {"motifs_empty", "an empty file", "dnalm.input.157", text("")},
          {"motifs_html", "a page", broken, text("<html>404</html>\n")},
          {"motifs_binary", "binary data", "dnalm.format.175", text(std::string("\0\1\2", 3))},
          {"meme_cut", "cut behind a name", broken, text("MEME version 4\nMOTIF M1\n")},
          {"meme_cut_matrix", "cut inside the matrix", broken, matrix("w= 2\n1 0 0 0\n")},
          {"meme_width_large", "a width that nobody has", broken, matrix("w= 1e300\n1 0 0 0\n")},
          {"meme_sites_large", "an infinite number of sites", broken, matrix("nsites= 1e999\n1 0 0 0\n")},
          {"meme_protein", "a motif of proteins", broken, matrix("alength= 20 w= 1\n1 0 0 0\n")},
          {"meme_nan", "a probability that is NaN", broken, matrix("w= 1\nnan 0 0 1\n")},
          {"meme_negative", "a negative probability", broken, matrix("w= 1\n2 -1 0 0\n")},
          {"jaspar_cut", "three rows", broken, text(">M1\nA [1]\nC [1]\nG [1]\n")},
          {"jaspar_uneven", "rows of different lengths", broken, text(">M1\n1 2\n1\n1 2\n1 2\n")},
          {"jaspar_zero", "a column without counts", broken, text(">M1\n0\n0\n0\n0\n")},
          {"jaspar_overflow", "counts whose sum is infinite", broken,
           text(">M1\n1e308\n1e308\n1e308\n1e308\n")},
          {"jaspar_name", "no name", broken, text(">\n1\n1\n1\n1\n")},
      },
      [](const fs::path& f) { (void)dnalm::io::read_motifs(f / file); });
}
