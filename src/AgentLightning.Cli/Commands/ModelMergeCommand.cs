using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Engine;
using AgentLightning.Models.Checkpoints;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model merge</c> and <c>export</c>: a model folder made of another, with or without an adapter in it.</summary>
internal static class ModelMergeCommand
{
    public static Command CreateMerge()
    {
        var adapter = new Option<DirectoryInfo>("--adapter")
        {
            Description = "Folder of a LoRA adapter (PEFT) of this model.",
            Required = true,
        };
        return Create(
            new Command(
                "merge",
                "Writes a model with an adapter added to its weights. Example: lightning model merge --model base --adapter adapter --out "
                    + "merged"
            )
            {
                adapter,
            },
            parsed => parsed.GetValue(adapter)!.FullName
        );
    }

    public static Command CreateExport() =>
        Create(
            new Command(
                "export",
                "Writes a model anew, in another type or in smaller files. Example: lightning model export --model base --out small "
                    + "--type BF16"
            ),
            _ => null
        );

    private static Command Create(Command command, Func<ParseResult, string?> adapterOf)
    {
        var (model, type, threads, json) = (ModelCommand.Model(), ModelCommand.Type(), ModelCommand.Threads(), CommonOptions.Json());
        type.Description = "How weights are written: F32, BF16 or F16; as in the model by default.";
        var output = new Option<DirectoryInfo>("--out")
        {
            Description = "Folder for the model; an earlier model there is replaced.",
            Required = true,
        };
        var shard = new Option<long>("--shard-bytes")
        {
            Description = "Most bytes per file of weights.",
            DefaultValueFactory = _ => 5_000_000_000,
        };
        foreach (var option in (Option[])[model, output, type, shard, threads, json])
        {
            command.Options.Add(option);
        }

        command.SetAction(
            (parsed, cancellationToken) =>
                LanguageModel.GuardAsync(async () =>
                {
                    var (folder, target) = (parsed.GetValue(model)!.FullName, parsed.GetValue(output)!.FullName);
                    ModelTrainCommand.CheckWritable(target, folder);
                    using var loaded = LanguageModel.Load(
                        folder,
                        adapterOf(parsed),
                        parsed.GetValue(threads),
                        type: null,
                        cancellationToken
                    );
                    loaded.Adapter?.Merge();
                    await HuggingFaceFolder.SaveAsync(
                        loaded.Model,
                        target,
                        folder,
                        parsed.GetValue(type),
                        parsed.GetValue(shard),
                        cancellationToken
                    );
                    var bytes = Directory.EnumerateFiles(target, "*.safetensors").Sum(file => new FileInfo(file).Length);
                    if (parsed.GetValue(json))
                    {
                        Terminal.WriteJson(
                            new
                            {
                                @out = target,
                                parameters = loaded.Model.ParameterCount,
                                bytes,
                            }
                        );
                    }
                    else
                    {
                        Console.Out.WriteLine($"Written: {target}");
                    }

                    return ExitCodes.Success;
                })
        );
        return command;
    }
}
