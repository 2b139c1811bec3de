// SPDX-License-Identifier: Apache-2.0
// PyTorch files that are hostile, in their archive or in their pickle: each with the error that must follow.
// Nothing of a pickle is ever executed.
#include "hostile_case.hpp"

#include <chrono>
#include <utility>

#include <support/zip_builder.hpp>

#include <dnalm/io/checkpoint.hpp>

using namespace dnalm_test;

namespace {

const std::string file = "pytorch_model.bin";

/// Texts of opcodes.
std::string text_of(const std::string& value) {
  return "X" + little(value.size(), 4) + value;
}
std::string integer(std::int64_t value) {
  return "\x8a\x08" + little(static_cast<std::uint64_t>(value), 8);
}
std::string tuple_of(const std::vector<std::int64_t>& values) {
  std::string text = "(";
  for (const auto value : values) text += integer(value);
  return text + "t";
}
std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
const std::string protocol("\x80\x02", 2);

/// A tensor of a state dictionary as its pickle describes it.
struct described {
  std::string rebuild = "_rebuild_tensor_v2";
  std::string storage_type = "FloatStorage";
  std::string key = "0";
  std::int64_t count = 12;
  std::int64_t offset = 0;
  std::vector<std::int64_t> shape = {3, 4};
  std::vector<std::int64_t> strides = {4, 1};

  [[nodiscard]] std::string pickle() const {
    return global("torch._utils", rebuild) + "((" + text_of("storage") + global("torch", storage_type) +
           text_of(key) + text_of("cpu") + integer(count) + "tQ" + integer(offset) + tuple_of(shape) +
           tuple_of(strides) + "\x89" + global("collections", "OrderedDict") + ")RtR";
  }
};

/// A dictionary of one entry.
std::string state_dict(const std::string& value, const std::string& key = "weight") {
  return protocol + "}" + text_of(key) + value + "s.";
}

std::string storage() {
  return std::string(48, '\x3f');
}

/// An archive as PyTorch writes it: the pickle, a storage of 12 floats, the version.
std::string archive_of(const std::string& pickle, bool deflated = false) {
  zip_builder archive;
  archive.add("archive/data.pkl", pickle, deflated);
  archive.add("archive/data/0", storage(), deflated);
  archive.add("archive/version", "3\n");
  return archive.finish();
}

auto whole(const std::string& bytes) {
  return [=](const fs::path& f) { write_text(f / file, bytes); };
}
auto pickled(const std::string& pickle) {
  return whole(archive_of(pickle));
}
auto tensor(const described& what) {
  return pickled(state_dict(what.pickle()));
}

/// Writes `value` over `width` bytes at `place` behind the `occurrence`-th `mark` of an archive.
std::string patched(std::string archive, const std::string& mark, std::size_t occurrence, std::size_t place,
                    std::uint64_t value, int width) {
  std::size_t at = archive.find(mark);
  for (; occurrence > 0; --occurrence) at = archive.find(mark, at + 1);
  REQUIRE(at != std::string::npos);
  return archive.replace(at + place, static_cast<std::size_t>(width), little(value, width));
}
const std::string right = archive_of(state_dict(described().pickle()));
const std::string local = "PK\x03\x04";
const std::string central = "PK\x01\x02";
const std::string ending = "PK\x05\x06";
/// The same value in the local header and in the directory of member `i` (their fields lie 2 bytes apart).
std::string both(std::size_t i, std::size_t local_place, std::uint64_t value, int width) {
  return patched(patched(right, local, i, local_place, value, width), central, i, local_place + 2, value,
                 width);
}

std::string zip64_ending(std::uint64_t entries, std::uint64_t size, std::uint64_t offset,
                         std::uint64_t place) {
  const std::size_t end = right.find(ending);
  const std::string record = "PK\x06\x06" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
                             little(entries, 8) + little(entries, 8) + little(size, 8) + little(offset, 8);
  const std::string locator = "PK\x06\x07" + little(0, 4) + little(place, 8) + little(1, 4);
  return right.substr(0, end) + record + locator + ending + little(0, 4) + little(0xFFFF, 2) +
         little(0xFFFF, 2) + little(0xFFFFFFFF, 4) + little(0xFFFFFFFF, 4) + little(0, 2);
}

/// Reads all there is to read.
void read(const fs::path& folder) {
  const auto weights = dnalm::io::checkpoint::open(folder);
  for (const auto& info : weights.tensors()) (void)weights.read(info.name);
}

void check(const std::vector<hostile_case>& rows) {
  check_table(rows);
  for (const auto& row : rows) {
    const auto start = std::chrono::steady_clock::now();
    check_case(
        row, [](const fs::path&) {}, read);
    INFO(row.name << " takes too long");
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
  }
}

}  // namespace

TEST_CASE("hostile archives are refused with their error", "[hostile]") {
  const std::string good = state_dict(described().pickle());
  const std::size_t directory = right.find(central);
  const std::size_t end = right.find(ending);
  const std::vector<hostile_case> rows = {
      {"zip_right", "nothing", "", whole(right)},
      {"zip_right_deflated", "nothing: compressed members", "", whole(archive_of(good, true))},
      {"zip_cut_magic", "cut behind PK", "dnalm.format.230", whole("PK")},
      {"zip_cut_header", "cut inside the first header", "dnalm.format.230", whole(right.substr(0, 20))},
      {"zip_cut_member", "cut inside a member", "dnalm.format.230", whole(right.substr(0, 100))},
      {"zip_cut_directory", "cut inside the directory", "dnalm.format.230", whole(right.substr(0, directory + 30))},
      {"zip_cut_end", "cut inside the end record", "dnalm.format.230", whole(right.substr(0, end + 10))},
      {"zip_cut_last", "the last byte is missing", "dnalm.format.230", whole(right.substr(0, right.size() - 1))},
      {"zip_trailing", "a byte behind the archive", "dnalm.format.230", whole(right + "x")},
      {"zip_no_directory", "the directory is missing", "dnalm.format.231", whole(right.substr(0, directory) + right.substr(end))},
      {"zip_directory_outside", "the directory lies behind the file", "dnalm.format.231",
       whole(patched(right, ending, 0, 16, 0xFFFFFF, 4))},
      {"zip_directory_large", "the directory is said to be larger", "dnalm.format.231",
       whole(patched(right, ending, 0, 12, 0xFFFFFF, 4))},
      {"zip_directory_small", "the directory is said to be smaller", "dnalm.format.231",
       whole(patched(right, ending, 0, 12, end - directory - 1, 4))},
      {"zip_count_large", "60,000 members", "dnalm.format.231",
       whole(patched(right, ending, 0, 10, 60'000, 2))},
      {"zip_count_small", "fewer members than there are", "dnalm.format.231", whole(patched(right, ending, 0, 10, 2, 2))},
      {"zip_parts", "an archive in two parts", "dnalm.unsupported.235", whole(patched(right, ending, 0, 4, 1, 2))},
      {"zip64_nowhere", "the ZIP64 record is not where its locator says", "dnalm.format.231",
       whole(zip64_ending(3, end - directory, directory, 0))},
      {"zip64_2_63", "the locator points to 2^63", "dnalm.format.231",
       whole(zip64_ending(3, end - directory, directory, std::uint64_t{1} << 63))},
      {"zip64_right", "nothing: a right ZIP64 end", "", whole(zip64_ending(3, end - directory, directory, end))},
      {"zip64_count", "2^60 members", "dnalm.format.231",
       whole(zip64_ending(std::uint64_t{1} << 60, end - directory, directory, end))},
      {"zip64_size", "a directory of 2^64 - 1 bytes", "dnalm.format.231",
       whole(zip64_ending(3, ~std::uint64_t{0}, directory, end))},
      {"zip64_offset", "a directory at 2^64 - 1", "dnalm.format.231",
       whole(zip64_ending(3, end - directory, ~std::uint64_t{0}, end))},
      {"member_encrypted", "an encrypted member", "dnalm.unsupported.235", whole(both(1, 6, 1, 2))},
      {"member_method", "a member packed by method 99", "dnalm.unsupported.235", whole(both(1, 8, 99, 2))},
      {"member_name", "another name in the local header", "dnalm.format.232",
       whole(replaced(right, "archive/data/0", "archive/data/1"))},
      {"member_size", "another size in the local header", "dnalm.format.232", whole(patched(right, local, 1, 22, 40, 4))},
      {"member_method_local", "another method in the local header", "dnalm.format.232",
       whole(patched(right, local, 1, 8, 8, 2))},
      {"member_outside", "a member larger than the file", "dnalm.format.233",
       whole(patched(both(1, 18, 0xFFFF, 4), central, 1, 24, 0xFFFF, 4))},
      {"member_2_32", "a member of 4 GiB in a file of 1 kB", "dnalm.format.231",
       whole(patched(both(1, 18, 0xFFFFFFFE, 4), central, 1, 24, 0xFFFFFFFE, 4))},
      {"member_overlap", "two members at one place", "dnalm.format.232",
       whole(patched(right, central, 2, 42, 0, 4))},
      {"member_header_outside", "a local header behind the directory", "dnalm.format.232",
       whole(patched(right, central, 1, 42, directory + 5, 4))},
      {"member_crc", "a wrong CRC in both places", "dnalm.format.237", whole(both(1, 14, 12345, 4))},
      {"pickle_crc", "a wrong CRC of the pickle", "dnalm.format.237", whole(both(0, 14, 12345, 4))},
      {"member_damaged", "a flipped bit in a storage", "dnalm.format.237",
       [](const fs::path& f) {
         std::string bytes = right;
         bytes[bytes.find(storage()) + 5] ^= 1;
         write_text(f / file, bytes);
       }},
      {"deflate_damaged", "a broken deflate stream", "dnalm.format.238",
       [good](const fs::path& f) {
         std::string bytes = archive_of(good, true);
         bytes[bytes.find("data.pkl") + 8] = '\x07';  // a block of a reserved kind
         write_text(f / file, bytes);
       }},
      {"deflate_bomb", "a member that claims 1000 times its bytes and more", "dnalm.format.236",
       [](const fs::path& f) {
         zip_builder archive;
         archive.add("archive/data.pkl", std::string(40, 'x'), true);
         std::string bytes = archive.finish();
         const auto stored = static_cast<std::uint64_t>(bytes.find(central) - 30 - 16);
         bytes = patched(patched(bytes, local, 0, 22, 1032 * (stored + 70), 4), central, 0, 24, 1032 * (stored + 70), 4);
         write_text(f / file, bytes);
       }},
      {"pickle_bomb", "200 MiB of marks packed into 200 kB", "dnalm.format.268",
       whole(archive_of(protocol + std::string(std::size_t{200} << 20, '('), true))},
      {"member_twice", "two members of one name", "dnalm.format.234",
       [good](const fs::path& f) {
         zip_builder archive;
         archive.add("archive/data.pkl", good);
         archive.add("archive/data/0", storage());
         archive.add("archive/data/0", storage());
         write_text(f / file, archive.finish());
       }},
      {"two_pickles", "two pickles", "dnalm.format.271",
       [good](const fs::path& f) {
         zip_builder archive;
         archive.add("a/data.pkl", good);
         archive.add("b/data.pkl", good);
         write_text(f / file, archive.finish());
       }},
      {"no_pickle", "no pickle", "dnalm.format.271",
       [](const fs::path& f) {
         zip_builder archive;
         archive.add("archive/data/0", storage());
         write_text(f / file, archive.finish());
       }},
      {"torch_script", "a TorchScript archive", "dnalm.unsupported.276",
       [good](const fs::path& f) {
         zip_builder archive;
         archive.add("archive/data.pkl", good);
         archive.add("archive/constants.pkl", good);
         write_text(f / file, archive.finish());
       }},
      {"big_endian", "the file of a big-endian machine", "dnalm.unsupported.276",
       [good](const fs::path& f) {
         zip_builder archive;
         archive.add("archive/data.pkl", good);
         archive.add("archive/data/0", storage());
         archive.add("archive/byteorder", "big");
         write_text(f / file, archive.finish());
       }},
  };
  check(rows);
}

TEST_CASE("hostile pickles are refused with their error", "[hostile]") {
  const auto several = [](std::size_t count, const std::string& part) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += part;
    return text;
  };
  const std::string weight = described().pickle();
  const std::vector<hostile_case> rows = {
      {"pickle_right", "nothing", "", tensor({})},
      {"pickle_empty", "an empty pickle", "dnalm.format.265", pickled("")},
      {"pickle_cut", "a pickle that ends in the middle", "dnalm.format.265",
       pickled(state_dict(weight).substr(0, 100))},
      {"pickle_cut_text", "a text longer than the pickle", "dnalm.format.265",
       pickled(protocol + "X" + little(0xFFFFFFFF, 4) + "a.")},
      {"pickle_cut_text8", "a text of 2^64 - 1 letters", "dnalm.format.265",
       pickled(std::string("\x80\x04\x8d", 3) + little(~std::uint64_t{0}, 8) + "a.")},
      {"pickle_frame", "a frame of 2^63 bytes", "dnalm.format.265",
       pickled(std::string("\x80\x04\x95", 3) + little(std::uint64_t{1} << 63, 8) + "N.")},
      {"pickle_protocol_0", "protocol 0", "dnalm.unsupported.266", pickled("(dp0\nS'a'\nI1\ns.")},
      {"pickle_protocol_9", "protocol 9", "dnalm.unsupported.266", pickled("\x80\x09N.")},
      {"pickle_registry", "the extension registry", "dnalm.unsupported.266", pickled(protocol + "\x82\x01.")},
      {"pickle_stack", "more is taken from the stack than there is", "dnalm.format.267",
       pickled(protocol + "N\x86.")},
      {"pickle_no_mark", "a tuple without a mark", "dnalm.format.267", pickled(protocol + "t.")},
      {"pickle_no_result", "no result", "dnalm.format.267", pickled(protocol + ".")},
      {"pickle_odd", "a key without a value", "dnalm.format.267", pickled(protocol + "}(Nu.")},
      {"pickle_memo", "a memo entry that was never written", "dnalm.format.267",
       pickled(protocol + "h\x07.")},
      {"pickle_memo_2_32", "memo entry 2^32 - 1", "dnalm.format.267",
       pickled(protocol + "j\xff\xff\xff\xff.")},
      {"pickle_state", "a state for a number", "dnalm.format.267", pickled(protocol + "K\x01}b.")},
      {"pickle_objects", "5 million objects", "dnalm.format.268",
       pickled(protocol + std::string(5'000'000, 'N') + ".")},
      {"pickle_marks", "5 million marks", "dnalm.format.268",
       pickled(protocol + std::string(5'000'000, '(') + ".")},
      {"pickle_copies", "an object 5 million times on the stack", "dnalm.format.268",
       pickled(protocol + "N" + std::string(5'000'000, '2') + ".")},
      {"pickle_nested", "lists nested 100,000 deep", "dnalm.format.268",
       pickled(protocol + std::string(100'000, ']') + std::string(99'999, 'a') + ".")},
      {"pickle_itself", "a list that holds itself", "dnalm.format.268",
       pickled(protocol + "]q" + std::string(1, '\0') + "h" + std::string(1, '\0') + "a.")},
      {"pickle_tuple_itself", "a tuple of a list that holds the tuple", "dnalm.format.268",
       pickled(protocol + "]q" + std::string(1, '\0') + "\x85q\x01h" + std::string(1, '\0') + "h\x01" +
               "a0.")},
      {"pickle_laughs", "lists of two references, 60 levels: 2^60 ways", "dnalm.format.268",
       [&] {
         std::string text = protocol + "]q" + std::string(1, '\0') + "0";
         for (int i = 1; i <= 60; ++i) {
           const auto before = std::string("h") + static_cast<char>(i - 1);
           text += "](" + before + before + "eq" + static_cast<char>(i) + "0";
         }
         return pickled(text + "h" + static_cast<char>(60) + ".");
       }()},
      {"pickle_dict_itself", "a dictionary whose state_dict and model are itself", "dnalm.format.268",
       pickled(protocol + "}q" + std::string(1, '\0') + "(" + text_of("state_dict") + "h" +
               std::string(1, '\0') + text_of("model") + "h" + std::string(1, '\0') + text_of("net") + "h" +
               std::string(1, '\0') + "u.")},
      {"pickle_wide", "40,000 entries that are all one dictionary of 40,000", "dnalm.format.268",
       pickled(protocol + "}q" + std::string(1, '\0') + "(" + several(40'000, "K\x01N") + "u0}" +
               text_of("model") + "}(" + several(40'000, std::string("K\x01h") + std::string(1, '\0')) +
               "us.")},
      {"pickle_long_names", "one name of a megabyte before 20,000 tensors", "dnalm.format.268",
       [&] {
         std::string text = protocol + weight + "q" + std::string(1, '\0') + "0}" +
                            text_of(std::string(1u << 20, 'n')) + "}(";
         for (int i = 0; i < 20'000; ++i) text += text_of(std::to_string(i)) + "h" + std::string(1, '\0');
         return pickled(text + "us.");
       }()},
      {"pickle_no_tensors", "no tensors", "dnalm.format.275", pickled(state_dict("K\x01"))},
      {"pickle_number", "the result is a number", "dnalm.format.275", pickled(protocol + "K\x01.")},
      {"pickle_twice", "a tensor stands twice", "dnalm.format.279",
       pickled(protocol + "}(" + text_of("w") + weight + text_of("w") + weight + "u.")},
      {"tensor_no_storage", "a storage that is not there", "dnalm.format.272", tensor({.key = "7"})},
      {"tensor_storage_path", "a storage outside the archive", "dnalm.format.272",
       tensor({.key = "../../etc/passwd"})},
      {"tensor_storage_size", "a storage of another size", "dnalm.format.272", tensor({.count = 13})},
      {"tensor_count_negative", "a storage of -1 elements", "dnalm.format.273", tensor({.count = -1})},
      {"tensor_count_2_62", "a storage of 2^62 floats", "dnalm.format.273",
       tensor({.count = std::int64_t{1} << 62})},
      {"tensor_outside", "a view behind its storage", "dnalm.format.273", tensor({.offset = 1})},
      {"tensor_offset_negative", "a negative offset", "dnalm.format.273", tensor({.offset = -1})},
      {"tensor_offset_2_63", "an offset of 2^63 - 1", "dnalm.format.273",
       tensor({.offset = std::numeric_limits<std::int64_t>::max()})},
      {"tensor_stride_negative", "a negative stride", "dnalm.format.273", tensor({.strides = {-4, 1}})},
      {"tensor_stride_2_62", "a stride of 2^62", "dnalm.format.273",
       tensor({.strides = {std::int64_t{1} << 62, 1}})},
      {"tensor_strides_few", "fewer strides than axes", "dnalm.format.273", tensor({.strides = {1}})},
      {"tensor_shape_overflow", "a shape of 2^64 elements", "dnalm.format.273",
       tensor({.shape = {std::int64_t{1} << 32, std::int64_t{1} << 32}, .strides = {0, 0}})},
      {"tensor_repeated", "2^40 elements that are all the same one", "dnalm.format.273",
       tensor({.shape = {std::int64_t{1} << 40}, .strides = {0}})},
      {"tensor_many_axes", "100,000 axes", "dnalm.format.273",
       tensor({.shape = std::vector<std::int64_t>(100'000, 2),
               .strides = std::vector<std::int64_t>(100'000, 1)})},
      {"tensor_complex", "complex numbers", "dnalm.unsupported.274",
       tensor({.storage_type = "ComplexFloatStorage"})},
      {"tensor_quantised", "a quantised tensor", "dnalm.unsupported.274",
       tensor({.rebuild = "_rebuild_qtensor"})},
      {"tensor_sparse", "a sparse tensor", "dnalm.unsupported.274",
       tensor({.rebuild = "_rebuild_sparse_tensor"})},
      {"tensor_rebuild_evil", "a rebuild function that is none", "dnalm.unsupported.274",
       tensor({.rebuild = "_rebuild_evil"})},
  };
  check(rows);
}

TEST_CASE("nothing that a pickle calls is executed", "[hostile]") {
  const temporary_folder scratch("hostile_calls");
  const std::string mark = (scratch.path() / "executed").string();
  const auto call = [&](const std::string& function, const std::string& argument) {
    return function + text_of(argument) + "\x85R";
  };
  const std::string command = "touch " + mark;
  const std::string python = "open('" + mark + "', 'w')";
  const std::vector<std::string> calls = {
      call(global("posix", "system"), command),
      call(global("os", "system"), command),
      call(global("subprocess", "getoutput"), command),
      call(global("builtins", "eval"), python),
      call(global("__builtin__", "exec"), python),
      call(global("torch._utils", "_rebuild_parameter"), "x"),
      global("subprocess", "Popen") + text_of(command) + "\x85\x81",
      global("collections", "OrderedDict") + ")R}" + text_of("__reduce__") +
          call(global("os", "system"), command) + "sb",
  };
  std::vector<hostile_case> rows;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const std::string name = "call_" + std::to_string(i);
    const std::string both_of =
        protocol + "}(" + text_of("weight") + described().pickle() + text_of("evil") + calls[i] + "u.";
    // _rebuild_parameter of a text is a tensor that is malformed; every other call stays an object without
    // tensors.
    rows.push_back(
        {name, "a call beside a right tensor", i == 5 ? "dnalm.format.273" : "", pickled(both_of)});
    rows.push_back({name + "_alone", "a call instead of a dictionary",
                    i == 5 ? "dnalm.format.273" : "dnalm.format.275", pickled(protocol + calls[i] + ".")});
  }
  check(rows);
  CHECK(!fs::exists(mark));
}
