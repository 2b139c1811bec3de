// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/checkpoint.hpp>
#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>

#include <cmath>
#include <thread>

#include <unit/io_binary/binary_files.hpp>

using namespace dnalm_test;
using namespace dnalm_test::pickled;
using dnalm::io::checkpoint;

namespace {

const std::vector<float> two{1, 2};

void put_safetensors(const memory_folder& folder, const std::string& name,
                     const std::vector<std::string>& tensors, const std::vector<float>& values = two) {
  std::vector<dnalm::io::tensor_to_write> list;
  for (const auto& tensor : tensors) {
    list.push_back(dnalm::io::make_tensor(tensor, values, {static_cast<dnalm::index_t>(values.size())}));
  }
  dnalm::io::write_safetensors(folder / name, list);
}
void put_torch(const memory_folder& folder, const std::string& name, const std::string& tensor_name,
               const std::vector<float>& values = two) {
  const auto count = static_cast<std::int64_t>(values.size());
  folder.write(name, torch_bytes(dictionary({text(tensor_name),
                                             tensor(storage("FloatStorage", "0", count), 0, {count}, {1})}),
                                 {{"0", raw(values)}}));
}
std::string id_of(const std::filesystem::path& path) {
  return error_id_of([&] { (void)checkpoint::open(path); });
}
std::string index_of(const std::string& map) {
  return R"({"metadata":{"total_size":8},"weight_map":)" + map + "}";
}

}  // namespace

TEST_CASE("checkpoint: a folder is searched in the documented order", "[io_binary]") {
  const memory_folder folder;
  REQUIRE(id_of(folder.path()) == "dnalm.io.280");
  REQUIRE(id_of(folder / "none") == "dnalm.io.280");
  folder.write("training_args.bin", "not weights");
  folder.write("optimizer.pt", "not weights");
  REQUIRE(id_of(folder.path()) == "dnalm.io.280");
  put_torch(folder, "any.pt", "any.pt");
  REQUIRE(checkpoint::open(folder.path()).contains("any.pt"));
  put_torch(folder, "other.ckpt", "x");
  REQUIRE(id_of(folder.path()) == "dnalm.usage.290");
  put_safetensors(folder, "any.safetensors", {"any.safetensors"});
  REQUIRE(checkpoint::open(folder.path()).contains("any.safetensors"));
  put_torch(folder, "pytorch_model-1.bin", "sharded");
  folder.write("pytorch_model.bin.index.json", index_of(R"({"sharded":"pytorch_model-1.bin"})"));
  REQUIRE(checkpoint::open(folder.path()).contains("sharded"));
  put_torch(folder, "pytorch_model.bin", "bin");
  REQUIRE(checkpoint::open(folder.path()).contains("bin"));
  folder.write("model.safetensors.index.json", index_of(R"({"any.safetensors":"any.safetensors"})"));
  REQUIRE(checkpoint::open(folder.path()).contains("any.safetensors"));
  put_safetensors(folder, "model.safetensors", {"model"});
  const auto model = checkpoint::open(folder.path());
  REQUIRE(model.contains("model"));
  REQUIRE(model.files() == std::vector<std::filesystem::path>{folder / "model.safetensors"});
  REQUIRE(checkpoint::open(folder / "other.ckpt").contains("x"));
}

TEST_CASE("checkpoint: both formats read alike", "[io_binary]") {
  const memory_folder folder;
  put_safetensors(folder, "a.safetensors", {"w"});
  put_torch(folder, "a.pt", "w");
  for (const char* name : {"a.safetensors", "a.pt"}) {
    const auto file = checkpoint::open(folder / name);
    REQUIRE(file.tensors().size() == 1);
    REQUIRE(file.info("w").shape == std::vector<dnalm::index_t>{2});
    REQUIRE(file.read("w") == two);
    std::vector<double> wide(2);
    file.read("w", std::span<double>(wide));
    REQUIRE(wide == std::vector<double>{1, 2});
    REQUIRE(file.file_of("w") == folder / name);
    REQUIRE(error_id_of([&] { (void)file.read("x"); }) == "dnalm.format.286");
    REQUIRE(error_id_of([&] { file.read("w", std::span<double>(wide).first(1)); }) == "dnalm.shape.287");
  }
}

TEST_CASE("checkpoint: a copy keeps the files open", "[io_binary]") {
  const memory_folder folder;
  put_safetensors(folder, "a.safetensors", {"w"});
  auto first = std::make_unique<checkpoint>(checkpoint::open(folder / "a.safetensors"));
  const checkpoint second = *first;
  const auto& stored = first->stored("w");
  first.reset();
  std::filesystem::remove(folder / "a.safetensors");
  REQUIRE(second.read("w") == two);
  REQUIRE(&second.stored("w") == &stored);
}

TEST_CASE("checkpoint: NaN and infinity are found, with tensor and index", "[io_binary]") {
  const memory_folder folder;
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    put_safetensors(folder, "a.safetensors", {"w"}, {1, 2, bad, 4});
    put_torch(folder, "a.pt", "w", {1, 2, bad, 4});
    for (const char* name : {"a.safetensors", "a.pt"}) {
      const auto file = checkpoint::open(folder / name);
      REQUIRE(file.find_non_finite("w") == 2);
      try {
        file.check_finite("w");
        FAIL("no error");
      } catch (const dnalm::error& e) {
        REQUIRE(e.id() == "dnalm.numeric.288");
        REQUIRE(e.details().where.find("tensor 'w', element 2") != std::string::npos);
      }
    }
  }
  put_safetensors(folder, "a.safetensors", {"w"});
  REQUIRE_NOTHROW(checkpoint::open(folder / "a.safetensors").check_finite("w"));
  // Logical order: element (0, 1) of a transposed view lies after (1, 0) in the file.
  const std::vector<float> values{0, 1, NAN, 3};
  folder.write(
      "t.pt", torch_bytes(dictionary({text("w"), tensor(storage("FloatStorage", "0", 4), 0, {2, 2}, {1, 2})}),
                          {{"0", raw(values)}}));
  REQUIRE(checkpoint::open(folder / "t.pt").find_non_finite("w") == 1);
}

TEST_CASE("checkpoint: shards are joined by their index", "[io_binary]") {
  const memory_folder folder;
  put_safetensors(folder, "s1.safetensors", {"a", "b"});
  put_torch(folder, "s2.bin", "c");
  const auto path =
      folder.write("m.index.json", index_of(R"({"a":"s1.safetensors","b":"s1.safetensors","c":"s2.bin"})"));
  const auto file = checkpoint::open(path);
  REQUIRE(file.tensors().size() == 3);
  REQUIRE(file.read("b") == two);
  REQUIRE(file.file_of("c") == folder / "s2.bin");
  REQUIRE(file.files().size() == 2);
}

TEST_CASE("checkpoint: shards that do not fit their index are errors", "[io_binary]") {
  const memory_folder folder;
  put_safetensors(folder, "s1.safetensors", {"a", "b"});
  put_safetensors(folder, "s2.safetensors", {"b", "c"});
  const auto with = [&](const std::string& map) {
    return id_of(folder.write("m.index.json", index_of(map)));
  };
  REQUIRE(with(R"({"a":"s1.safetensors"})").empty());  // b is then a surplus tensor of the shard
  REQUIRE(with(R"({"a":"none.safetensors"})") == "dnalm.format.283");
  REQUIRE(with(R"({"x":"s1.safetensors"})") == "dnalm.format.284");
  REQUIRE(with(R"({"a":"s1.safetensors","c":"s2.safetensors"})") == "dnalm.format.285");
  for (const char* name :
       {"../s1.safetensors", "/etc/passwd", "..", ".", "", "x/../s1.safetensors", "..\\\\s1", "a\\u0000b"}) {
    INFO(name);
    REQUIRE(with(std::string(R"({"a":")") + name + "\"}") == "dnalm.format.282");
  }
  REQUIRE(with(R"({"a":7})") == "dnalm.format.281");
  REQUIRE(with("{}") == "dnalm.format.281");
  REQUIRE(with("[]") == "dnalm.format.281");
  REQUIRE(id_of(folder.write("m.index.json", "[]")) == "dnalm.format.281");
  REQUIRE(id_of(folder.write("m.index.json", "{}")) == "dnalm.format.281");
  REQUIRE(id_of(folder.write("m.index.json", "{")) == "dnalm.format.226");
  REQUIRE(with(R"({"a":"s1.safetensors","a":"s2.safetensors"})") == "dnalm.format.228");
  folder.write("s3.safetensors", "cut");
  REQUIRE(with(R"({"a":"s3.safetensors"})") == "dnalm.format.255");
}

TEST_CASE("checkpoint: files that are met by mistake are named", "[io_binary]") {
  const memory_folder folder;
  for (const std::string& bytes :
       {std::string(), std::string("version https://git-lfs.github.com/spec/v1\n"),
        std::string("\x89HDF\r\n\x1a\n"), std::string("\x1f\x8b\x08"), std::string("<!doctype html>"),
        std::string("\x93NUMPY\1\0"), std::string("{\"a\": 1, \"b\": 2}")}) {
    REQUIRE(id_of(folder.write("model.safetensors", bytes)) == "dnalm.format.289");
  }
  REQUIRE(id_of(folder.write("model.safetensors", "some text of no format")) == "dnalm.format.255");
}

TEST_CASE("checkpoint: threads may read at the same time", "[io_binary]") {
  const memory_folder folder;
  const std::vector<float> values(10'000, 3.0F);
  put_torch(folder, "a.pt", "w", values);
  const auto file = checkpoint::open(folder / "a.pt");
  std::vector<std::vector<float>> read(8);
  {
    std::vector<std::jthread> pool;
    for (auto& result : read) pool.emplace_back([&] { result = file.read("w"); });
  }
  for (const auto& result : read) REQUIRE(result == values);
}

TEST_CASE("checkpoint: the golden model folders open, every weight finite", "[io_binary][golden]") {
  const std::filesystem::path models = std::filesystem::path(DNALM_GOLDEN_DIR) / "models";
  int opened = 0;
  for (const auto& entry : std::filesystem::directory_iterator(models)) {
    if (!entry.is_directory()) continue;
    INFO(entry.path());
    const auto file = checkpoint::open(entry.path());
    REQUIRE(file.tensors().size() > 5);
    for (const auto& info : file.tensors()) REQUIRE_NOTHROW(file.check_finite(info.name));
    ++opened;
  }
  REQUIRE(opened >= 10);
}
