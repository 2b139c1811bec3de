// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/keras_checkpoint.hpp>

#include <dnalm/io/npz_checkpoint.hpp>
#include <dnalm/io/safetensors.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include <unit/io_binary/binary_files.hpp>
#include <unit/io_binary/shared_data.hpp>

#if defined(DNALM_WITH_HDF5)

using namespace dnalm_test;
using dnalm::index_t;
using dnalm::io::keras_checkpoint;

namespace {

const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "keras";

/// All values as double, of any type.
template <class File>
std::vector<double> values_of(const File& file, const std::string& name) {
  const auto& tensor = file.tensor(name);
  std::vector<double> values(static_cast<std::size_t>(tensor.info.size()));
  dnalm::io::read_stored(tensor, std::span<double>(values));
  return values;
}

void check_equal(const std::filesystem::path& path, const std::filesystem::path& expected_path) {
  INFO(path);
  for (const auto access : {dnalm::io::file_access::mapped, dnalm::io::file_access::buffered}) {
    const keras_checkpoint file(path, access);
    const dnalm::io::safetensors_file expected(expected_path);
    REQUIRE(file.tensors().size() == expected.tensors().size());
    for (const auto& info : file.tensors()) {
      INFO(info.name);
      const auto& wanted = expected.tensor(info.name);
      REQUIRE(info.type == wanted.info.type);
      REQUIRE(info.shape == wanted.info.shape);
      REQUIRE(values_of(file, info.name) == values_of(expected, info.name));
      file.forget(info.name);
      REQUIRE(values_of(file, info.name) == values_of(expected, info.name));
    }
  }
}

std::string id_of(const std::filesystem::path& path) {
  return error_id_of([&] {
    const keras_checkpoint file(path);
    for (const auto& info : file.tensors()) (void)file.tensor(info.name);
  });
}

}  // namespace

TEST_CASE("keras: layers and weights come in the order and under the names of the file",
          "[io_binary][golden]") {
  const keras_checkpoint file(golden / "model.h5");
  std::vector<std::string> names;
  for (const auto& info : file.tensors()) names.push_back(info.name);
  REQUIRE(names == std::vector<std::string>{"conv1d/conv1d/kernel:0", "conv1d/conv1d/bias:0",
                                            "batch_normalization/batch_normalization/gamma:0",
                                            "batch_normalization/batch_normalization/beta:0",
                                            "batch_normalization/batch_normalization/moving_mean:0",
                                            "batch_normalization/batch_normalization/moving_variance:0",
                                            "dense/dense/kernel:0", "dense/dense/bias:0"});
  REQUIRE(file.description().keras_version == "2.11.0");
  REQUIRE(file.description().backend == "tensorflow");
  REQUIRE(file.description().model_config ==
          R"({"class_name": "Functional", "config": {"name": "toy", "layers": []}})");
  REQUIRE_FALSE(file.packed("dense/dense/kernel:0"));  // mapped, not copied
  REQUIRE(file.contains("dense/dense/bias:0"));
  REQUIRE_FALSE(file.contains("optimizer_weights/iteration:0"));
  REQUIRE(error_id_of([&] { (void)file.tensor("x"); }) == "dnalm.format.286");
}

TEST_CASE("keras: every way of writing the same model gives the same values", "[io_binary][golden]") {
  for (const char* name :
       {"model.h5", "model_new_format.h5", "model_userblock.h5", "weights_only.h5", "variable_texts.h5"}) {
    check_equal(golden / name, golden / "model.safetensors");
    REQUIRE(dnalm::io::is_hdf5(golden / name));
  }
  REQUIRE_FALSE(dnalm::io::is_hdf5(golden / "model.safetensors"));
  REQUIRE_FALSE(dnalm::io::is_hdf5(golden));
  REQUIRE_FALSE(dnalm::io::is_hdf5(golden / "none"));
  // Keras 3 has no lists of names: the paths of the datasets.
  const keras_checkpoint three(golden / "keras3.weights.h5");
  REQUIRE(three.tensors().size() == 2);
  REQUIRE(values_of(three, "layers/dense/vars/0") ==
          values_of(keras_checkpoint(golden / "model.h5"), "dense/dense/kernel:0"));
}

TEST_CASE("keras: element types, byte orders, chunks and filters", "[io_binary][golden]") {
  check_equal(golden / "kinds.h5", golden / "kinds.safetensors");
  const keras_checkpoint file(golden / "kinds.h5");
  for (const char* name : {"layer/gzip", "layer/shuffled", "layer/chunked", "layer/f4be", "layer/i8be"}) {
    REQUIRE(file.packed(name));
  }
  for (const char* name : {"layer/f8", "layer/f2", "layer/i1", "layer/bool", "layer/scalar", "layer/empty"}) {
    REQUIRE_FALSE(file.packed(name));
  }
}

TEST_CASE("keras: what leaves the file or cannot be weights is refused by name", "[io_binary][golden]") {
  const std::vector<std::pair<std::string, std::string>> cases{{"external_link", "dnalm.unsupported.294"},
                                                               {"soft_link", "dnalm.unsupported.294"},
                                                               {"external_storage", "dnalm.unsupported.294"},
                                                               {"virtual", "dnalm.unsupported.294"},
                                                               {"filter", "dnalm.unsupported.294"},
                                                               {"scale_offset", "dnalm.unsupported.294"},
                                                               {"text", "dnalm.unsupported.296"},
                                                               {"complex", "dnalm.unsupported.296"},
                                                               {"object", "dnalm.unsupported.296"},
                                                               {"missing", "dnalm.format.295"},
                                                               {"group", "dnalm.format.295"},
                                                               {"numbers", "dnalm.format.295"},
                                                               {"twice", "dnalm.format.295"},
                                                               {"circle", "dnalm.format.295"},
                                                               {"huge", "dnalm.format.297"},
                                                               {"overflow", "dnalm.format.297"},
                                                               {"null", "dnalm.format.292"},
                                                               {"empty", "dnalm.format.298"}};
  for (const auto& [name, id] : cases) {
    INFO(name);
    REQUIRE(id_of(golden / ("refused_" + name + ".h5")) == id);
  }
  const memory_folder folder;
  REQUIRE(id_of(folder.write("x.h5", "no HDF5")) == "dnalm.format.292");
  REQUIRE(id_of(folder / "none.h5") == "dnalm.io.220");
  REQUIRE(id_of(folder.path()) == "dnalm.io.221");
}

TEST_CASE("keras: damaged files give an error or tensors, nothing else", "[io_binary]") {
  const memory_folder folder;
  dnalm::philox random(1, dnalm::hash_name("keras"));
  int errors = 0;
  const auto attempt = [&](const std::string& bytes) {
    errors += id_of(folder.write("x.h5", bytes)).empty() ? 0 : 1;
  };
  for (const char* name : {"kinds.h5", "model_new_format.h5"}) {
    const std::string bytes = content_of(golden / name);
    for (std::size_t size = 0; size < bytes.size(); size += bytes.size() / 30) attempt(bytes.substr(0, size));
    for (int round = 0; round < 50; ++round) {
      std::string damaged = bytes;
      for (int i = 0; i < 20; ++i) damaged[random.below(bytes.size())] = static_cast<char>(random.next_u32());
      attempt(damaged);
    }
  }
  REQUIRE(errors > 40);
}

TEST_CASE("keras: a child that crashes, loops or asks for too much is an error of the caller",
          "[io_binary]") {
  using dnalm::io::detail::run_isolated;
  std::string got;
  const auto receive = [&](std::span<const std::byte> piece) {
    got.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  };
  REQUIRE(run_isolated({}, receive, [](const auto& output) {
    output.write(bytes_of("one "));
    output.write(bytes_of("two"));
  }));
  REQUIRE(got == "one two");
  REQUIRE_FALSE(run_isolated({}, receive, [](const auto&) { std::abort(); }));
  REQUIRE_FALSE(run_isolated({}, receive, [](const auto&) { throw std::runtime_error("x"); }));
  REQUIRE_FALSE(run_isolated({}, receive, [](const auto&) { throw 1; }));  // NOLINT: of no library
  REQUIRE_FALSE(run_isolated({.seconds = 1}, receive, [](const auto&) {
    volatile bool on = true;
    while (on) {
    }
  }));
  REQUIRE_FALSE(
      run_isolated({.answer = 3}, receive, [](const auto& output) { output.write(bytes_of("four")); }));
  REQUIRE(error_id_of([&] {
            (void)run_isolated({}, receive, [](const auto&) {
              throw dnalm::error(dnalm::error_kind::format, 292, "words", {.where = "here"});
            });
          }) == "dnalm.format.292");
  try {
    (void)run_isolated({}, receive, [](const auto&) {
      throw dnalm::error(dnalm::error_kind::shape, 101, "words",
                         {.where = "here", .expected = "a", .found = "b"});
    });
    FAIL("no error");
  } catch (const dnalm::error& e) {
    REQUIRE(std::string(e.what()) == "[dnalm.shape.101]: words, in here, expected a, found b");
  }
  // One file at a time (under sanitizers three).
  REQUIRE(run_isolated({}, receive, [](const auto& output) {
    int opened = 0;
    while (opened < 9 && ::open("/dev/null", O_RDONLY) >= 0) ++opened;
    output.write(bytes_of(std::to_string(opened)));
  }));
  REQUIRE(got.back() == static_cast<char>('0' + dnalm::io::detail::isolated_files));
#if !defined(DNALM_UNDER_SANITIZER)
  REQUIRE_FALSE(run_isolated({.memory = index_t{64} << 20}, receive, [](const auto& output) {
    std::vector<char> much(std::size_t{1} << 30, 'x');
    output.write(bytes_of(std::string(1, much.back())));
  }));
#endif
}

TEST_CASE("keras: a child that stands still is ended, and started again if it had written nothing",
          "[io_binary]") {
  using dnalm::io::detail::isolation_limits;
  using dnalm::io::detail::run_isolated;
  std::string got;
  const auto receive = [&](std::span<const std::byte> piece) {
    got.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  };
  const isolation_limits limits{.still = 1, .attempts = 2};
  const auto stand_still = [] {
    while (true) ::pause();
  };
  // Each child takes one byte: the first stands still, the second does not.
  int bytes[2] = {-1, -1};
  REQUIRE(::pipe(bytes) == 0);
  REQUIRE(::write(bytes[1], "12345", 5) == 5);
  REQUIRE(run_isolated(limits, receive, [&](const auto& output) {
    char byte = 0;
    if (::read(bytes[0], &byte, 1) != 1 || byte == '1') stand_still();
    output.write(bytes_of(std::string(1, byte)));
  }));
  REQUIRE(got == "2");
  // Part of an answer cannot be taken back: no second child.
  REQUIRE_FALSE(run_isolated(limits, receive, [&](const auto& output) {
    char byte = 0;
    if (::read(bytes[0], &byte, 1) == 1) output.write(bytes_of(std::string(1, byte)));
    stand_still();
  }));
  REQUIRE(got == "23");
  REQUIRE_FALSE(run_isolated(limits, receive, [&](const auto&) {
    char byte = 0;
    (void)!::read(bytes[0], &byte, 1);
    stand_still();
  }));
  REQUIRE(got == "23");
  ::close(bytes[1]);
  char rest = 0;
  REQUIRE(::read(bytes[0], &rest, 1) == 0);  // the two attempts have taken 4 and 5
  ::close(bytes[0]);
}

TEST_CASE("keras: threads may read at the same time", "[io_binary]") {
  const keras_checkpoint file(golden / "kinds.h5");
  const auto expected = values_of(file, "layer/gzip");
  file.forget("layer/gzip");
  std::vector<std::vector<double>> read(4);
  {
    std::vector<std::jthread> pool;
    for (auto& result : read) pool.emplace_back([&] { result = values_of(file, "layer/gzip"); });
  }
  for (const auto& result : read) REQUIRE(result == expected);
}

TEST_CASE("keras: spliceai1.h5 and spliceai1.npz hold the same numbers", "[io_binary][shared]") {
  const auto keras_path = shared_data("Illumina__SpliceAI/spliceai/models/spliceai1.h5");
  const auto npz_path = shared_data("ykcchong__spliceai-mlx/spliceai_mlx/models/spliceai1.npz");
  if (!keras_path || !npz_path) return;
  const keras_checkpoint keras(*keras_path);
  const dnalm::io::npz_checkpoint npz(*npz_path);
  REQUIRE(keras.tensors().size() == 206);
  REQUIRE(npz.tensors().size() == 206);
  for (const auto& info : keras.tensors()) {
    // conv1d_1/conv1d_1/kernel:0 in one, conv1d_1/kernel in the other
    std::string name = info.name.substr(info.name.find('/') + 1);
    name.resize(name.find(':'));
    if (const auto at = name.find("moving_variance"); at != std::string::npos)
      name.replace(at, 15, "moving_var");
    INFO(name);
    REQUIRE(npz.contains(name));
    REQUIRE(npz.tensor(name).info.shape == info.shape);
    REQUIRE(values_of(npz, name) == values_of(keras, info.name));
  }
}

TEST_CASE("keras: every MMSplice and MTSplice model opens with its weights", "[io_binary][shared]") {
  const auto folder = shared_data("gagneurlab__MMSplice_MTSplice/mmsplice/models");
  if (!folder) return;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(*folder)) {
    if (entry.path().extension() != ".h5") continue;
    INFO(entry.path());
    const keras_checkpoint file(entry.path());
    REQUIRE(file.tensors().size() >= 4);
    REQUIRE(file.description().model_config.front() == '{');
    for (const auto& info : file.tensors()) REQUIRE(dnalm::io::find_non_finite(file.tensor(info.name)) == -1);
    ++files;
  }
  REQUIRE(files == 18);
}

#else

TEST_CASE("keras: not built", "[io_binary]") {
  WARN("skipped: this build has no HDF5 library, so keras_checkpoint is not tested");
  REQUIRE(dnalm::io::is_hdf5(std::filesystem::path(DNALM_GOLDEN_DIR) / "keras/model.h5"));
}

#endif
