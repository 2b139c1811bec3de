// SPDX-License-Identifier: Apache-2.0
// An archive whose stored members can be mapped: their data begin at a multiple of 64 bytes.
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <string_view>

#include <dnalm/io/zip_reader.hpp>
#include <dnalm/io/zip_writer.hpp>

int main() {
  const auto path =
      std::filesystem::temp_directory_path() / ("dnalm_zip_" + std::to_string(getpid()) + ".zip");
  const std::string_view text = "ACGT";
  dnalm::io::zip_writer writer(path);
  writer.add("reads/1.txt", std::as_bytes(std::span(text)));
  writer.add("reads/2.txt", std::as_bytes(std::span(text)), dnalm::io::zip_method::deflated);
  writer.finish();
  const dnalm::io::zip_reader archive(path);
  for (const auto& entry : archive.entries()) std::cout << entry.name << " " << entry.size << "\n";
  std::cout << archive.entry("reads/1.txt").data_offset % 64 << "\n";
  std::filesystem::remove(path);
}
