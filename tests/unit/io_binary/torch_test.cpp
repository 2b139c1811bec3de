// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/pickle.hpp>
#include <dnalm/io/safetensors.hpp>
#include <dnalm/io/torch_checkpoint.hpp>

#include <unit/io_binary/binary_files.hpp>

using namespace dnalm_test;
using namespace dnalm_test::pickled;
using dnalm::dtype;
using dnalm::index_t;
using dnalm::io::pickle_kind;
using dnalm::io::torch_checkpoint;
using dnalm::io::torch_selection;

namespace {

const std::vector<float> six{0, 1, 2, 3, 4, 5};
const std::vector<member> one_storage{{"0", raw(six)}};
const std::string floats = storage("FloatStorage", "0", 6);

std::string id_of_bytes(const std::string& bytes) {
  const memory_folder folder;
  const auto path = folder.write("x.pt", bytes);
  return error_id_of([&] {
    const torch_checkpoint file(path);
    for (const auto& info : file.tensors()) (void)file.tensor(info.name);
  });
}
/// Error of a file {'a': value} with one storage '0' of six floats.
std::string id_of(const std::string& value) {
  return id_of_bytes(torch_bytes(dictionary({text("a"), value}), one_storage));
}
std::vector<float> read(const torch_checkpoint& file, const std::string& name) {
  std::vector<float> values(static_cast<std::size_t>(file.tensor(name).info.size()));
  dnalm::io::read_stored(file.tensor(name), std::span<float>(values));
  return values;
}
std::vector<std::string> names_of(const std::string& pickle,
                                  torch_selection selection = torch_selection::state_dict) {
  const memory_folder folder;
  const torch_checkpoint file(folder.write("x.pt", torch_bytes(pickle, one_storage)), selection);
  std::vector<std::string> names;
  for (const auto& info : file.tensors()) names.push_back(info.name);
  return names;
}
std::string pickle_id(const std::string& bytes, const dnalm::io::pickle_limits& limits = {}) {
  return error_id_of([&] { (void)dnalm::io::parse_pickle(bytes_of(bytes), "x.pkl", limits); });
}

const std::string weight = tensor(floats, 0, {2, 3}, {3, 1});

}  // namespace

TEST_CASE("torch: strides and offsets are honoured", "[io_binary]") {
  const memory_folder folder;
  const torch_checkpoint file(folder.write(
      "x.pt",
      torch_bytes(dictionary({text("rows"), weight, text("columns"), tensor(floats, 0, {3, 2}, {1, 3}),
                              text("part"), tensor(floats, 4, {2}, {1}), text("scalar"),
                              tensor(floats, 3, {}, {}), text("repeated"), tensor(floats, 2, {2, 2}, {0, 1}),
                              text("none"), tensor(floats, 0, {0, 5}, {5, 1}), text("cube"),
                              tensor(floats, 0, {3, 1, 2}, {1, 7, 3})}),
                  one_storage)));
  REQUIRE(read(file, "rows") == six);
  REQUIRE(read(file, "columns") == std::vector<float>{0, 3, 1, 4, 2, 5});
  REQUIRE(read(file, "part") == std::vector<float>{4, 5});
  REQUIRE(read(file, "scalar") == std::vector<float>{3});
  REQUIRE(read(file, "repeated") == std::vector<float>{2, 3, 2, 3});
  REQUIRE(read(file, "none").empty());
  REQUIRE(read(file, "cube") == std::vector<float>{0, 3, 1, 4, 2, 5});
  REQUIRE(file.tensor("rows").contiguous());
  REQUIRE_FALSE(file.tensor("columns").contiguous());
  REQUIRE(file.tensor("rows").bytes.data() == file.tensor("columns").bytes.data());  // shared, not copied
  REQUIRE(error_id_of([&] { (void)file.tensor("x"); }) == "dnalm.format.286");
}

TEST_CASE("torch: storages of every type, parameters, untyped storages, compressed members", "[io_binary]") {
  const std::vector<std::uint16_t> halves{0x3C00, 0xC000};
  const std::string pickle = dictionary(
      {text("half"), tensor(storage("HalfStorage", "h", 2), 0, {2}, {1}), text("bf16"),
       tensor(storage("BFloat16Storage", "h", 2), 0, {2}, {1}), text("bool"),
       tensor(storage("BoolStorage", "b", 3), 0, {3}, {1}), text("parameter"),
       call(global("torch._utils", "_rebuild_parameter"), {weight, "\x88", dictionary({})}), text("v3"),
       call(global("torch._utils", "_rebuild_tensor_v3"),
            {storage("UntypedStorage", "0", 24, "torch.storage"), integer(1), numbers({2}), numbers({1}),
             "\x89", dictionary({}), global("torch", "float32"), dictionary({})}),
       text("size"),
       call(global("torch._utils", "_rebuild_tensor_v2"),
            {floats, integer(0), call(global("torch", "Size"), {numbers({6})}), numbers({1}), "\x89",
             dictionary({})}),
       text("subclass"),
       call(global("torch._tensor", "_rebuild_from_type_v2"),
            {global("torch._utils", "_rebuild_tensor_v2"), global("my.module", "Weight"),
             tuple({floats, integer(0), numbers({6}), numbers({1}), "\x89", dictionary({})}),
             dictionary({})})});
  const memory_folder folder;
  for (const bool deflate : {false, true}) {
    const torch_checkpoint file(folder.write(
        "x.pt",
        torch_bytes(pickle, {one_storage[0], {"h", raw(halves)}, {"b", std::string("\0\1\1", 3)}}, deflate)));
    REQUIRE(read(file, "half") == std::vector<float>{1, -2});
    REQUIRE(read(file, "bf16") == std::vector<float>{0.0078125F, -2});
    REQUIRE(read(file, "bool") == std::vector<float>{0, 1, 1});
    REQUIRE(read(file, "parameter") == six);
    REQUIRE(read(file, "v3") == std::vector<float>{1, 2});
    REQUIRE(read(file, "size") == six);
    REQUIRE(read(file, "subclass") == six);
  }
}

TEST_CASE("torch: the state dictionary is found where trainers put it", "[io_binary]") {
  using list = std::vector<std::string>;
  const std::string state = dictionary({text("w"), weight, text("n"), integer(3)});
  REQUIRE(names_of(state) == list{"w"});
  REQUIRE(names_of(dictionary({text("epoch"), integer(1), text("state_dict"), state})) == list{"w"});
  REQUIRE(names_of(dictionary({text("model"), dictionary({text("state_dict"), state})})) == list{"w"});
  REQUIRE(names_of(dictionary({text("module"), state, text("optimizer"), state})) == list{"w"});
  REQUIRE(names_of(dictionary({text("model"), integer(1), text("other"), state})) == list{"other.w"});
  REQUIRE(names_of(dictionary({text("x"), weight, text("state_dict"), state})) == list{"x", "state_dict.w"});
  REQUIRE(names_of(dictionary({text("state_dict"), state, text("extra"), state}),
                   torch_selection::everything) == list{"state_dict.w", "extra.w"});
  REQUIRE(names_of(dictionary({text("model"), dictionary({text("deep"), state})})) == list{"deep.w"});
  REQUIRE(names_of(dictionary({integer(7), weight, tuple({}), weight})) == list{"7"});
  REQUIRE(names_of("](" + weight + state + "e") == list{"0", "1.w"});
  REQUIRE(names_of(weight) == list{""});
  // OrderedDict, as state_dict() makes it, with the attribute `_metadata` that BUILD gives it.
  REQUIRE(names_of(call(global("collections", "OrderedDict"), {}) + "(" + text("w") + weight + "u" +
                   dictionary({text("_metadata"), dictionary({})}) + "b") == list{"w"});
}

TEST_CASE("torch: a pickle that calls functions executes nothing", "[io_binary]") {
  const memory_folder folder;
  const std::string canary = (folder / "executed").string();
  const std::string attack = call(global("os", "system"), {text("touch " + canary)});
  const std::vector<std::string> attacks{
      attack,
      call(global("posix", "system"), {text("touch " + canary)}),
      call(global("builtins", "eval"), {text("open('" + canary + "', 'w')")}),
      text("os") + text("system") + "\x93" + tuple({text("touch " + canary)}) + "R",
      global("subprocess", "Popen") + tuple({text("touch " + canary)}) + "\x81",
      call(global("os", "system"), {text("touch " + canary)}) + dictionary({text("x"), integer(1)}) + "b"};
  for (const std::string& object : attacks) {
    // Beside a tensor the object stays opaque and the tensor is read.
    REQUIRE(names_of(dictionary({text("evil"), object, text("w"), weight})) == std::vector<std::string>{"w"});
    // Alone there is nothing to read; in the place of a tensor's part it is malformed.
    REQUIRE(id_of_bytes(torch_bytes(object)) == "dnalm.format.275");
    REQUIRE(id_of(object) == "dnalm.format.275");
    REQUIRE(id_of(tensor(object, 0, {2}, {1})) == "dnalm.format.273");
    REQUIRE(id_of(call(global("torch._utils", "_rebuild_parameter"), {object, "\x88"})) ==
            "dnalm.format.273");
    REQUIRE(id_of(call(global("torch._tensor", "_rebuild_from_type_v2"),
                       {global("os", "system"), global("a", "B"), tuple({object}), "N"})) ==
            "dnalm.unsupported.274");
  }
  REQUIRE_FALSE(std::filesystem::exists(canary));
  const auto graph = dnalm::io::parse_pickle(bytes_of(begin + attack + "."), "x");
  REQUIRE(graph.at(graph.root).kind == pickle_kind::call);
  REQUIRE(graph.at(graph.at(graph.root).items[0]).text == "os system");
}

TEST_CASE("torch: views must stay in their storage", "[io_binary]") {
  const auto view = [](std::int64_t offset, const std::vector<std::int64_t>& shape,
                       const std::vector<std::int64_t>& strides) {
    return id_of(tensor(floats, offset, shape, strides));
  };
  const std::int64_t huge = INT64_MAX;
  REQUIRE(view(0, {6}, {1}).empty());
  REQUIRE(view(0, {7}, {1}) == "dnalm.format.273");
  REQUIRE(view(1, {6}, {1}) == "dnalm.format.273");
  REQUIRE(view(0, {2, 3}, {4, 1}) == "dnalm.format.273");
  REQUIRE(view(6, {}, {}) == "dnalm.format.273");
  REQUIRE(view(-1, {1}, {1}) == "dnalm.format.273");
  REQUIRE(view(0, {-1}, {1}) == "dnalm.format.273");
  REQUIRE(view(5, {2}, {-1}) == "dnalm.format.273");
  REQUIRE(view(0, {2}, {1, 1}) == "dnalm.format.273");
  REQUIRE(view(huge, {1}, {1}) == "dnalm.format.273");
  REQUIRE(view(huge, {2}, {huge}) == "dnalm.format.273");
  REQUIRE(view(0, {huge}, {1}) == "dnalm.format.273");
  REQUIRE(view(0, {huge, huge}, {0, 0}) == "dnalm.format.273");
  REQUIRE(view(0, {std::int64_t{1} << 32, std::int64_t{1} << 32}, {0, 0}) == "dnalm.format.273");
  REQUIRE(view(0, {std::int64_t{1} << 40}, {0}) == "dnalm.format.273");  // a terabyte from four bytes
  REQUIRE(view(0, {3}, {huge}) == "dnalm.format.273");
  REQUIRE(view(2, {huge, 2}, {2, huge}) == "dnalm.format.273");
  REQUIRE(id_of(call(global("torch._utils", "_rebuild_tensor_v2"),
                     {floats, integer(0), "\x8a\x09" + little(0, 8) + "\x01" + "\x85", numbers({1})})) ==
          "dnalm.format.273");  // an extent of 2^64
}

TEST_CASE("torch: storages must exist and have the size they claim", "[io_binary]") {
  const auto with = [](const std::string& storage_pickle) {
    return id_of(tensor(storage_pickle, 0, {1}, {1}));
  };
  REQUIRE(with(storage("FloatStorage", "1", 6)) == "dnalm.format.272");
  REQUIRE(with(storage("FloatStorage", "../data.pkl", 6)) == "dnalm.format.272");
  REQUIRE(with(storage("FloatStorage", "0", 7)) == "dnalm.format.272");
  REQUIRE(with(storage("FloatStorage", "0", 5)) == "dnalm.format.272");
  REQUIRE(with(storage("DoubleStorage", "0", 6)) == "dnalm.format.272");
  REQUIRE(with(storage("FloatStorage", "0", -1)) == "dnalm.format.273");
  REQUIRE(with(storage("FloatStorage", "0", INT64_MAX)) == "dnalm.format.273");
  REQUIRE(with(storage("FloatStorage", "0", std::int64_t{1} << 62)) == "dnalm.format.273");
  REQUIRE(with(storage("UntypedStorage", "0", 24)) == "dnalm.format.273");
  REQUIRE(with(storage("QInt8Storage", "0", 24)) == "dnalm.unsupported.274");
  REQUIRE(with(storage("ComplexFloatStorage", "0", 3)) == "dnalm.unsupported.274");
  REQUIRE(with(storage("FloatStorage", "0", 6, "os")) == "dnalm.unsupported.274");
  REQUIRE(with(text("no storage")) == "dnalm.format.273");
  REQUIRE(with(tuple({text("storage")}) + "Q") == "dnalm.format.273");
  REQUIRE(with(tuple({text("module"), global("torch", "FloatStorage"), text("0"), text("cpu"), integer(6)}) +
               "Q") == "dnalm.format.273");
}

TEST_CASE("torch: kinds of tensors that are not read are named", "[io_binary]") {
  for (const char* function :
       {"_rebuild_qtensor", "_rebuild_sparse_tensor", "_rebuild_wrapper_subclass", "_rebuild_new"}) {
    REQUIRE(id_of(tensor(floats, 0, {1}, {1}, function)) == "dnalm.unsupported.274");
  }
  REQUIRE(id_of(call(global("torch._utils", "_rebuild_tensor_v2"),
                     {floats, integer(0), numbers({1}), numbers({1}), "\x89", dictionary({}),
                      dictionary({text("neg"), "\x88"})})) == "dnalm.unsupported.274");
  REQUIRE(id_of(call(global("torch._utils", "_rebuild_tensor_v2"), {floats, integer(0)})) ==
          "dnalm.format.273");
  REQUIRE(id_of(global("torch._utils", "_rebuild_tensor_v2") + "NR") == "dnalm.format.273");
}

TEST_CASE("torch: names must be unique and something must be there", "[io_binary]") {
  REQUIRE(id_of_bytes(torch_bytes(dictionary({text("a"), weight, text("a"), weight}), one_storage)) ==
          "dnalm.format.279");
  REQUIRE(id_of_bytes(torch_bytes(
              dictionary({text("a.b"), weight, text("a"), dictionary({text("b"), weight})}), one_storage)) ==
          "dnalm.format.279");
  REQUIRE(id_of_bytes(torch_bytes("}")) == "dnalm.format.275");
  REQUIRE(id_of_bytes(torch_bytes("N")) == "dnalm.format.275");
}

TEST_CASE("torch: objects that contain themselves end in an error, not in a loop", "[io_binary]") {
  // d = {}; d['d'] = d
  REQUIRE(id_of_bytes(torch_bytes("}q\x01" + text("d") + "h\x01s")) == "dnalm.format.268");
  // Forty dictionaries that each hold the one before twice: 2^40 paths.
  std::string wide = "}q" + std::string(1, '\0');
  for (int i = 0; i < 40; ++i) {
    const std::string previous = "h" + std::string(1, static_cast<char>(i));
    wide +=
        "0}(" + text("a") + previous + text("b") + previous + "uq" + std::string(1, static_cast<char>(i + 1));
  }
  REQUIRE(id_of_bytes(torch_bytes(wide)) == "dnalm.format.268");
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "}" + text("a");
  deep += weight + std::string(100, 's');
  REQUIRE(id_of_bytes(torch_bytes(deep, one_storage)) == "dnalm.format.268");
}

TEST_CASE("torch: other files are told apart", "[io_binary]") {
  REQUIRE(id_of_bytes(std::string("\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15)) ==
          "dnalm.unsupported.270");
  REQUIRE(id_of_bytes(zip_bytes({{"a.txt", "x"}})) == "dnalm.format.271");
  REQUIRE(id_of_bytes(zip_bytes({{"data.pkl", "x"}})) == "dnalm.format.271");
  REQUIRE(id_of_bytes(zip_bytes({{"a/data.pkl", "x"}, {"b/data.pkl", "x"}})) == "dnalm.format.271");
  REQUIRE(id_of_bytes(zip_bytes({{"a/data.pkl", "x"}, {"a/constants.pkl", "x"}})) == "dnalm.unsupported.276");
  REQUIRE(id_of_bytes(zip_bytes({{"a/data.pkl", "x"}, {"a/byteorder", "big"}})) == "dnalm.unsupported.276");
  REQUIRE(id_of_bytes("") == "dnalm.format.230");
}

TEST_CASE("torch: damaged storages are found when they are read", "[io_binary]") {
  std::string bytes = torch_bytes(dictionary({text("a"), weight}), one_storage);
  const std::size_t at = bytes.find(raw(six));
  bytes[at + 5] = 'x';
  const memory_folder folder;
  const torch_checkpoint file(folder.write("x.pt", bytes));
  for (int i = 0; i < 2; ++i) REQUIRE(error_id_of([&] { (void)file.tensor("a"); }) == "dnalm.format.237");
}

TEST_CASE("pickle: every opcode gives its object", "[io_binary]") {
  const auto parse = [](const std::string& body) {
    return dnalm::io::parse_pickle(bytes_of(begin + body + "."), "x");
  };
  const auto root = [&](const std::string& body) {
    const auto graph = parse(body);
    return graph.at(graph.root);
  };
  REQUIRE(root("K\xff").integer == 255);
  REQUIRE(root("M\xff\xff").integer == 65535);
  REQUIRE(root("J\xff\xff\xff\xff").integer == -1);
  REQUIRE(root(std::string("\x8a\0", 2)).integer == 0);
  REQUIRE(root("\x8a\x01\x80").integer == -128);
  REQUIRE(root(std::string("\x8a\x02\xff\0", 4)).integer == 255);
  REQUIRE(root(std::string("\x8b\x01\0\0\0\x07", 6)).integer == 7);
  REQUIRE(root("\x8a\x09" + std::string(9, '\1')).kind == pickle_kind::long_text);
  REQUIRE(root(std::string("G\x3f\xf8\0\0\0\0\0\0", 9)).real == 1.5);
  REQUIRE(root("\x8c\x02hi").text == "hi");
  REQUIRE(root("\x8d" + little(2, 8) + "hi").text == "hi");
  REQUIRE(root("U\x02hi").text == "hi");
  REQUIRE(root("T" + little(2, 4) + "hi").text == "hi");
  REQUIRE(root("C\x02hi").kind == pickle_kind::bytes);
  REQUIRE(root("B" + little(2, 4) + "hi").text == "hi");
  REQUIRE(root("\x8e" + little(2, 8) + "hi").text == "hi");
  REQUIRE(root("\x96" + little(2, 8) + "hi").text == "hi");
  REQUIRE(root("NN\x86").items.size() == 2);
  REQUIRE(root("NNN\x87").items.size() == 3);
  REQUIRE(root("(NNNNt").items.size() == 4);
  REQUIRE(root("](NNNe").items.size() == 3);
  REQUIRE(root("]Na").items.size() == 1);
  REQUIRE(root("(NNl").items.size() == 2);
  REQUIRE(root("(NNd").pairs.size() == 2);
  REQUIRE(root("\x8f(NN\x90").kind == pickle_kind::set);
  REQUIRE(root("(NN\x91").items.size() == 2);
  REQUIRE(root("N2\x86").items.size() == 2);
  REQUIRE(root("NK\x01"
               "0")
              .kind == pickle_kind::none);
  REQUIRE(root("N(K\x01K\x02"
               "1")
              .kind == pickle_kind::none);
  REQUIRE(root("N(0").kind == pickle_kind::none);
  REQUIRE(root("K\x05\x94NK\x06\x94"
               "0"
               "0h" +
               std::string(1, '\0') + "\x86")
              .items.size() == 2);
  REQUIRE(root("K\x05r" + little(70000, 4) + "0j" + little(70000, 4)).integer == 5);
  REQUIRE(root(global("a", "B") + ")}\x92").items.size() == 3);
  REQUIRE(root("\x95" + little(2, 8) + "N").kind == pickle_kind::none);
}

TEST_CASE("pickle: cut, malformed, unknown and oversized ones are refused", "[io_binary]") {
  REQUIRE(pickle_id("") == "dnalm.format.265");
  REQUIRE(pickle_id(begin) == "dnalm.format.265");
  REQUIRE(pickle_id(begin + "X" + little(0xFFFFFFFF, 4) + "a.") == "dnalm.format.265");
  REQUIRE(pickle_id(begin + "\x8d" + little(~std::uint64_t{0}, 8) + "a.") == "dnalm.format.265");
  REQUIRE(pickle_id(begin + "\x95" + little(~std::uint64_t{0}, 8) + "N.") == "dnalm.format.265");
  REQUIRE(pickle_id(begin + "cos\nsystem") == "dnalm.format.265");
  for (const char* body : {".", "a.", "N].a.", "t.", "u.", "NR.", "(.", "N(a.", "}(Nu.", "NNs.", "NNb.", "0.",
                           "1.", "N(\x85.", "h\x05.", "q\x05N.", "NN\x93.", "]N(\x86.", "2."}) {
    INFO(body);
    REQUIRE(pickle_id(begin + body) == (std::string(body) == "N].a." ? "" : "dnalm.format.267"));
  }
  for (const char* opcode :
       {"i", "o", "P", "I", "L", "F", "S", "V", "g", "p", "\x82", "\x83", "\x84", "\x97", "\x98", "\xff"}) {
    INFO(opcode);
    REQUIRE(pickle_id(begin + opcode + std::string(20, '.')) == "dnalm.unsupported.266");
  }
  REQUIRE(pickle_id("\x80\x06N.") == "dnalm.unsupported.266");
  REQUIRE(pickle_id(begin + std::string(100, 'N') + ".", {.nodes = 99}) == "dnalm.format.268");
  REQUIRE(pickle_id(begin + "NNNN.", {.bytes = 6}) == "dnalm.format.268");
  REQUIRE(pickle_id(begin + "N\x94\x94\x94.", {.memo = 2}) == "dnalm.format.268");
  // A long text, memoised once and named again and again as a global, must not be copied each time.
  REQUIRE(pickle_id(begin + "X" + little(100'000, 4) + std::string(100'000, 'm') + "\x94h" +
                    std::string(1, '\0') + "\x93.") == "dnalm.format.268");
  REQUIRE(pickle_id(begin + "c" + std::string(5000, 'm') + "\nname\n.") == "dnalm.format.268");
  REQUIRE(pickle_id(begin + std::string(1'000'000, '(') + "N.").empty());
  REQUIRE(pickle_id(begin + "N" + std::string(1'000'000, '\x85') + ".").empty());  // a tuple a million deep
}

TEST_CASE("torch: damaged files give an error or tensors, nothing else", "[io_binary]") {
  const std::string pickle = dictionary({text("a"), weight, text("m"), dictionary({text("b"), weight})});
  for (const bool deflate : {false, true}) {
    const std::string bytes = torch_bytes(pickle, one_storage, deflate);
    const int errors = survive_damage(bytes, "x.pt", [](const auto& path) {
      const torch_checkpoint file(path, torch_selection::everything);
      for (const auto& info : file.tensors()) (void)read(file, info.name);
    });
    REQUIRE(errors >= static_cast<int>(bytes.size()));
  }
  // The ZIP layer finds most damage by its CRC; the pickle alone must stand as well.
  const std::string alone = begin + pickle + ".";
  (void)survive_damage(alone, "x.pkl", [](const auto& path) {
    const memory_folder folder;
    const torch_checkpoint file(folder.write("x.pt", zip_bytes({{"archive/data.pkl", content_of(path)},
                                                                {"archive/data/0", raw(six)}})),
                                torch_selection::everything);
    for (const auto& info : file.tensors()) {
      if (dnalm::size_of(info.type) > 1 || info.type == dtype::boolean) (void)read(file, info.name);
    }
  });
}

TEST_CASE("torch: objects of any class are carried along and never looked into", "[io_binary]") {
  const std::string partial = call(global("functools", "partial"), {global("os", "system")}) +
                              tuple({global("os", "system"), tuple({text("true")}), dictionary({}), "N"}) +
                              "b";
  const std::string number = call(global("numpy._core.multiarray", "scalar"),
                                  {call(global("numpy", "dtype"), {text("f8"), "\x89", "\x88"}),
                                   "C\x08"
                                   "12345678"});
  const std::string instance = global("my.module", "Config") + ")\x81" +
                               dictionary({text("weight"), weight, text("self"), partial}) + "b";
  const std::string with_list =
      global("my.module", "List") + ")\x81(" + weight + weight + "e(" + text("k") + weight + "u";
  const std::string state = dictionary({text("w"), weight});
  REQUIRE(names_of(dictionary({text("hyper_parameters"), instance, text("number"), number, text("callbacks"),
                               dictionary({partial, state}), text("list"), with_list, text("state_dict"),
                               state})) == std::vector<std::string>{"w"});
  REQUIRE(names_of(dictionary({text("state_dict"), state, text("args"), instance}),
                   torch_selection::everything) == std::vector<std::string>{"state_dict.w"});
  // A whole model that was saved as an object is such an object too: its tensors are not found.
  REQUIRE(id_of_bytes(torch_bytes(instance, one_storage)) == "dnalm.format.275");
  REQUIRE(id_of_bytes(torch_bytes(dictionary({text("model"), instance}), one_storage)) == "dnalm.format.275");
}

TEST_CASE("torch: a Lightning checkpoint gives its state dictionary", "[io_binary][golden]") {
  const std::filesystem::path folder = std::filesystem::path(DNALM_GOLDEN_DIR) / "torch";
  for (const char* name : {"lightning.ckpt", "without_crc.pt"}) {
    INFO(name);
    const torch_checkpoint file(folder / name);
    const dnalm::io::safetensors_file expected(folder / "lightning.safetensors");
    REQUIRE(file.tensors().size() == expected.tensors().size());
    for (const auto& info : expected.tensors()) {  // the prefix `model.` is kept
      REQUIRE(info.name.starts_with("model."));
      REQUIRE(read(file, info.name) == expected.read(info.name));
    }
  }
}

TEST_CASE("torch: an archive without any CRC is read, one wrong CRC among others is damage", "[io_binary]") {
  const memory_folder folder;
  std::string bytes = torch_bytes(dictionary({text("a"), weight}), one_storage);
  for (int i = 0; i < 3; ++i) {  // the pickle, the byte order, the storage; nobody reads the version
    REQUIRE(id_of_bytes(lie(lie(bytes, local_header, i, 14, 0, 4), directory_record, i, 16, 0, 4)) ==
            "dnalm.format.237");
  }
  for (int i = 0; i < 4; ++i)
    bytes = lie(lie(bytes, local_header, i, 14, 0, 4), directory_record, i, 16, 0, 4);
  REQUIRE(id_of_bytes(bytes).empty());
  REQUIRE(read(torch_checkpoint(folder.write("x.pt", bytes)), "a") == six);
  // Other archives have no such excuse.
  REQUIRE(error_id_of([&] {
            const dnalm::io::zip_reader archive(folder / "x.pt");
            (void)archive.read(archive.entries()[0]);
          }) == "dnalm.format.237");
}

TEST_CASE("torch: compressed storages are unpacked when asked for and forgotten again", "[io_binary]") {
  const memory_folder folder;
  const torch_checkpoint file(folder.write(
      "x.pt", torch_bytes(dictionary({text("a"), weight, text("b"), tensor(floats, 4, {2}, {1})}),
                          one_storage, true)));
  REQUIRE(file.packed("a"));
  REQUIRE(read(file, "a") == six);
  file.forget("a");
  REQUIRE(read(file, "b") == std::vector<float>{4, 5});
  REQUIRE(read(file, "a") == six);
  // A small file could otherwise ask for the same unpacking as often as it has tensors.
  const auto again = [&] {
    for (int i = 0; i < 70; ++i) {
      file.forget("a");
      static_cast<void>(read(file, "a"));
    }
  };
  REQUIRE(error_id_of(again) == "dnalm.unsupported.278");
}

TEST_CASE("torch: files written by torch.save hold the values they should", "[io_binary][golden]") {
  const std::filesystem::path folder = std::filesystem::path(DNALM_GOLDEN_DIR) / "torch";
  for (const std::string stem : {"dtypes", "views", "parameter", "state_dict", "tied", "tied_protocol4",
                                 "nested", "tensor", "list", "objects"}) {
    INFO(stem);
    const torch_checkpoint file(folder / (stem + ".pt"), torch_selection::everything);
    const dnalm::io::safetensors_file expected(folder /
                                               ((stem == "tied_protocol4" ? "tied" : stem) + ".safetensors"));
    REQUIRE(file.tensors().size() == expected.tensors().size());
    for (const auto& info : expected.tensors()) {
      INFO(info.name);
      const auto& found = file.tensor(info.name);
      REQUIRE(found.info.type == info.type);
      REQUIRE(found.info.shape == info.shape);
      std::vector<double> values(static_cast<std::size_t>(info.size()));
      std::vector<double> wanted(values.size());
      dnalm::io::read_stored(found, std::span<double>(values));
      dnalm::io::read_stored(expected.tensor(info.name), std::span<double>(wanted));
      REQUIRE(values == wanted);
      std::vector<float> narrow(values.size());
      std::vector<float> narrow_wanted(values.size());
      dnalm::io::read_stored(found, std::span<float>(narrow));
      dnalm::io::read_stored(expected.tensor(info.name), std::span<float>(narrow_wanted));
      REQUIRE(narrow == narrow_wanted);
    }
  }
  const torch_checkpoint nested(folder / "nested.pt");
  REQUIRE(nested.tensors().size() == 2);
  REQUIRE(nested.contains("encoder.weight"));
  REQUIRE(torch_checkpoint(folder / "objects.pt").contains("weight"));
  const torch_checkpoint tied(folder / "tied.pt");
  REQUIRE(tied.tensor("embedding").bytes.data() == tied.tensor("decoder").bytes.data());
  for (const std::string stem : {"dtypes", "state_dict", "tied", "views"}) {
    REQUIRE(error_id_of([&] { torch_checkpoint{folder / (stem + "_legacy.pt")}; }) ==
            "dnalm.unsupported.270");
  }
}
