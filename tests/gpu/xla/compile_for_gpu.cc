// Compiles an HLO module for the GPU that --xla_gpu_target_config_filename describes, with no GPU at hand: XLA's passes first, then
// code. What comes of it goes into the folder of --xla_dump_to.   usage: XLA_FLAGS=... compile_for_gpu MODULE.hlo.pb
#include <fstream>
#include <iostream>

#include "xla/debug_options_flags.h"
#include "xla/hlo/ir/hlo_module.h"
#include "xla/service/compiler.h"
#include "xla/service/hlo.pb.h"
#include "xla/stream_executor/cuda/cuda_platform_id.h"

// Gives the value, or ends the program with TensorFlow's reason.
template <typename T>
T must(absl::StatusOr<T> result, const char* what) {
  if (result.ok()) return *std::move(result);
  std::cerr << what << ": " << result.status() << "\n";
  std::exit(1);
}

int main(int count, char** arguments) {
  xla::HloProto proto;
  std::ifstream file(count == 2 ? arguments[1] : "", std::ios::binary);
  if (!file || !proto.ParseFromIstream(&file)) {
    std::cerr << "usage: compile_for_gpu MODULE.hlo.pb, a module that --xla_dump_hlo_as_proto wrote\n";
    return 1;
  }
  const auto& given = proto.hlo_module();
  auto config = must(xla::HloModule::CreateModuleConfigFromProto(given, xla::GetDebugOptionsFromFlags()), "configuration");
  auto module = must(xla::HloModule::CreateFromProto(given, config), "module");
  auto compiler = must(xla::Compiler::GetForPlatform(stream_executor::cuda::kCudaPlatformId), "compiler for CUDA");
  auto optimised = must(compiler->RunHloPasses(std::move(module), nullptr, xla::Compiler::CompileOptions()), "passes");
  must(compiler->RunBackend(std::move(optimised), nullptr, xla::Compiler::CompileOptions()), "code");
}
