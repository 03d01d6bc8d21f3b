using System.CommandLine;
using AgentLightning.Models.Tensors;

namespace AgentLightning.Cli.Commands;

/// <summary>
/// <c>lightning model</c>: language models in folders as Hugging Face libraries keep them, run and trained in this process.
/// </summary>
internal static class ModelCommand
{
    public static Command Create() =>
        new("model", "Runs and trains language models in Hugging Face folders.")
        {
            ModelPullCommand.Create(),
            ModelInfoCommand.Create(),
            ModelTokenizeCommand.Create(),
            ModelGenerateCommand.Create(),
            ModelChatCommand.Create(),
            ModelScoreCommand.Create(),
            ModelTrainCommand.Create(),
            ModelRlCommand.Create(),
            ModelDpoCommand.Create(),
            ModelKtoCommand.Create(),
            ModelEvalCommand.Create(),
            ModelMergeCommand.CreateMerge(),
            ModelMergeCommand.CreateExport(),
            ModelServeCommand.Create(),
            ModelBenchCommand.Create(),
        };

    public static Option<DirectoryInfo> Model() =>
        new("--model") { Description = "Folder with config.json, model.safetensors and tokenizer.json.", Required = true };

    public static Option<DirectoryInfo?> Adapter() => new("--adapter") { Description = "Folder of a LoRA adapter (PEFT) of this model." };

    public static Option<int> Threads() =>
        new("--threads") { Description = "Threads that compute; 0 is one per processor.", DefaultValueFactory = _ => 0 };

    public static Option<int> TokensAtOnce() =>
        new("--tokens-at-once")
        {
            Description = "Most tokens computed at once, one sequence at least: memory against time.",
            DefaultValueFactory = _ => 4096,
        };

    public static Option<bool> LowMemory() => new("--low-memory") { Description = "Compute activations twice instead of keeping them." };

    public static Option<StoredType?> Type() =>
        new("--type") { Description = "How weights are kept in memory: F32, BF16 or F16; as in the file by default." };
}
