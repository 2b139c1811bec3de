// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/npz_checkpoint.hpp>
#include <dnalm/io/safetensors.hpp>

#include <thread>

#include <unit/io_binary/binary_files.hpp>
#include <unit/io_binary/shared_data.hpp>

using namespace dnalm_test;
using dnalm::index_t;
using dnalm::io::checkpoint;
using dnalm::io::npz_checkpoint;

namespace {

const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "npy";

template <class File>
std::vector<double> values_of(const File& file, const std::string& name) {
  const auto& tensor = file.tensor(name);
  std::vector<double> values(static_cast<std::size_t>(tensor.info.size()));
  dnalm::io::read_stored(tensor, std::span<double>(values));
  return values;
}

std::string npy(const std::string& descr, bool fortran, const std::string& shape, const std::string& data) {
  std::string header = "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
                       ", 'shape': " + shape + ", }";
  while ((10 + header.size()) % 16 != 15) header += ' ';
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + little(header.size(), 2) + header + data;
}

std::string id_of(const std::vector<member>& members) {
  const memory_folder folder;
  const auto path = folder.write("x.npz", zip_bytes(members));
  return error_id_of([&] {
    const npz_checkpoint file(path);
    for (const auto& info : file.tensors()) (void)file.tensor(info.name);
  });
}

}  // namespace

TEST_CASE("npz weights: stored and compressed archives of NumPy read alike", "[io_binary][golden]") {
  const dnalm::io::safetensors_file expected(golden / "expected.safetensors");
  for (const auto access : {dnalm::io::file_access::mapped, dnalm::io::file_access::buffered}) {
    for (const std::string name : {"stored.npz", "compressed.npz"}) {
      const npz_checkpoint file(golden / name, access);
      for (const auto& info : file.tensors()) {
        INFO(name << " " << info.name);
        if (info.name == "long") continue;  // only in one of them
        const std::string stem = info.name == "with/slash" ? "f4_vector" : info.name;
        REQUIRE(info.shape == expected.tensor(stem).info.shape);
        REQUIRE(info.type == expected.tensor(stem).info.type);
        REQUIRE(values_of(file, info.name) == values_of(expected, stem));
        REQUIRE(file.packed(info.name) == (name == "compressed.npz"));
        file.forget(info.name);
        REQUIRE(values_of(file, info.name) == values_of(expected, stem));
      }
      REQUIRE(file.contains("f8"));
    }
  }
  // Fortran order is a matter of strides, not of a copy.
  const npz_checkpoint stored(golden / "stored.npz");
  REQUIRE_FALSE(stored.tensor("f4_fortran").contiguous());
  REQUIRE(stored.tensor("f4_fortran").strides == std::vector<index_t>{1, 3});
}

TEST_CASE("npz weights: texts are left out, objects refused, big-endian unpacked", "[io_binary]") {
  const memory_folder folder;
  const std::string big("\x3f\x80\x00\x00\x40\x00\x00\x00", 8);
  const npz_checkpoint file(
      folder.write("x.npz", zip_bytes({{"a.npy", npy(">f4", false, "(2,)", big)},
                                       {"names.npy", npy("<U1", false, "(1,)", "x\0\0\0")},
                                       {"readme.txt", "words"}})));
  REQUIRE(file.tensors().size() == 1);
  REQUIRE(values_of(file, "a") == std::vector<double>{1, 2});
  REQUIRE(file.packed("a"));
  REQUIRE(file.left_out() == std::vector<std::string>{"names.npy", "readme.txt"});
  REQUIRE(error_id_of([&] { (void)file.tensor("names"); }) == "dnalm.format.286");
  REQUIRE(id_of({{"a.npy", npy("|O", false, "(1,)", "x")}}) == "dnalm.unsupported.247");
  REQUIRE(id_of({{"a.npy", npy("<c8", false, "(1,)", "12345678")}}) == "dnalm.unsupported.247");
}

TEST_CASE("npz weights: what contradicts itself is refused", "[io_binary]") {
  const std::string data(24, 'x');
  for (const bool deflate : {false, true}) {
    const auto id = [&](const std::string& content) { return id_of({{"a.npy", content, deflate}}); };
    REQUIRE(id(npy("<f4", false, "(2, 3)", data)).empty());
    REQUIRE(id(npy("<f4", true, "(2, 3)", data)).empty());
    REQUIRE(id(npy("<f4", false, "(2, 4)", data)) == "dnalm.format.248");
    REQUIRE(id(npy("<f4", false, "(2, 2)", data)) == "dnalm.format.248");
    REQUIRE(id(npy("<f4", false, "(4611686018427387904, 8)", data)) == "dnalm.format.249");
    REQUIRE(id("not npy") == "dnalm.format.245");
    REQUIRE(id("") == "dnalm.format.245");
    REQUIRE(id("\x93NUMPY") == "dnalm.format.245");
    REQUIRE(id(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12) + data) == "dnalm.format.245");
    REQUIRE(id(std::string("\x93NUMPY\x01\x00\x10\x00", 10) + std::string(16, '(')) == "dnalm.format.246");
    // A header that is longer than what is looked at first.
    REQUIRE(id(npy("<f4", false, "(2, 3" + std::string(5000, ' ') + ")", data)).empty());
  }
  REQUIRE(id_of({{"readme.txt", "words"}}) == "dnalm.format.298");
  // Damage is found by the CRC before a number is used.
  const memory_folder folder;
  std::string bytes = zip_bytes({{"a.npy", npy("<f4", false, "(2, 3)", data)}});
  bytes[bytes.find(data)] = 'y';
  const auto path = folder.write("x.npz", bytes);
  const npz_checkpoint file(path);
  REQUIRE(error_id_of([&] { (void)file.tensor("a"); }) == "dnalm.format.237");
}

TEST_CASE("npz weights: damaged files give an error or tensors, nothing else", "[io_binary]") {
  for (const bool deflate : {false, true}) {
    const std::string bytes =
        zip_bytes({{"a.npy", npy("<f4", true, "(2, 3)", std::string(24, 'x')), deflate}});
    const int errors = survive_damage(bytes, "x.npz", [](const auto& path) {
      const npz_checkpoint file(path);
      for (const auto& info : file.tensors()) (void)values_of(file, info.name);
    });
    REQUIRE(errors >= static_cast<int>(bytes.size()));
  }
}

TEST_CASE("npz weights: a checkpoint tells npz from PyTorch by its members", "[io_binary][golden]") {
  const auto file = checkpoint::open(golden / "compressed.npz");
  REQUIRE(file.format_of("f4") == dnalm::io::weight_format::npz);
  REQUIRE(file.packed("f4"));
  REQUIRE(file.read("f4_fortran") == checkpoint::open(golden / "stored.npz").read("f4_fortran"));
  REQUIRE(file.left_out().empty());
  // Packed tensors stay in memory, so that threads may read them at the same time.
  std::vector<std::vector<float>> read(4);
  {
    std::vector<std::jthread> pool;
    for (auto& result : read) pool.emplace_back([&] { result = file.read("long"); });
  }
  for (const auto& result : read) REQUIRE(result == read[0]);
  const memory_folder folder;
  REQUIRE(error_id_of([&] {
            (void)checkpoint::open(
                folder.write("m.keras", zip_bytes({{"config.json", "{}"}, {"model.weights.h5", "x"}})));
          }) == "dnalm.format.289");
  REQUIRE(error_id_of([&] {
            (void)checkpoint::open(folder.write("x.zip", zip_bytes({{"a.txt", "x"}})));
          }) == "dnalm.format.271");
}

TEST_CASE("npz weights: the five SpliceAI models open with 206 tensors each", "[io_binary][shared]") {
  for (int i = 1; i <= 5; ++i) {
    const auto path =
        shared_data("ykcchong__spliceai-mlx/spliceai_mlx/models/spliceai" + std::to_string(i) + ".npz");
    if (!path) return;
    const npz_checkpoint file(*path);
    REQUIRE(file.tensors().size() == 206);
    REQUIRE(file.tensor("conv1d_1/kernel").info.shape == std::vector<index_t>{1, 4, 32});
    for (const auto& info : file.tensors()) REQUIRE(dnalm::io::find_non_finite(file.tensor(info.name)) == -1);
  }
}
