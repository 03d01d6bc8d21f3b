using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Engine;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model info</c>: what a folder holds, all of it read and checked.</summary>
internal static class ModelInfoCommand
{
    public static Command Create()
    {
        var (model, adapter, json) = (ModelCommand.Model(), ModelCommand.Adapter(), CommonOptions.Json());
        var command = new Command("info", "Reads a model, checks all of it and says what it is.") { model, adapter, json };
        command.SetAction(
            (parsed, cancellationToken) =>
            {
                var folder = parsed.GetValue(model)!.FullName;
                using var loaded = LanguageModel.Load(
                    folder,
                    parsed.GetValue(adapter)?.FullName,
                    threads: 0,
                    type: null,
                    cancellationToken
                );
                var tokenizer = LanguageModel.TryLoadTokenizer(folder);
                var config = loaded.Model.Config;
                var type = loaded.Model.Parameters[0].Type;
                var result = new ModelInfo(
                    folder,
                    config.Family.ToString().ToLowerInvariant(),
                    loaded.Model.ParameterCount,
                    type.ToString(),
                    loaded.Model.Parameters.Sum(p => p.Count * (p.Type == Models.Tensors.StoredType.F32 ? 4 : 2)),
                    config.Layers,
                    config.Width,
                    config.Heads,
                    config.KeyValueHeads,
                    config.HeadWidth,
                    config.InnerWidth,
                    config.VocabularySize,
                    config.MaxPositions,
                    config.TiedEmbeddings,
                    tokenizer?.VocabularySize,
                    tokenizer?.EosIds ?? [],
                    tokenizer?.ChatTemplate is not null,
                    loaded.Adapter is { } change
                        ? new AdapterInfo(change.Options.Rank, change.Options.Alpha, change.Parameters.Sum(p => p.Count))
                        : null
                );
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(result);
                }
                else
                {
                    Write(result);
                }

                return Task.FromResult(ExitCodes.Success);
            }
        );
        return command;
    }

    private static void Write(ModelInfo info)
    {
        var grid = new Grid().AddColumn().AddColumn();
        grid.AddRow("model", Markup.Escape($"{info.Family}, {info.Parameters:N0} parameters as {info.Type}, {info.Bytes / 1e6:N1} MB"));
        grid.AddRow(
            "shape",
            $"{info.Layers} layers, width {info.Width}, {info.Heads} heads of {info.HeadWidth} ({info.KeyValueHeads} for keys and "
                + $"values), feed-forward {info.InnerWidth}"
        );
        grid.AddRow("context", $"{info.Context:N0} tokens of {info.Vocabulary:N0}");
        grid.AddRow(
            "tokenizer",
            info.TokenizerVocabulary is { } size
                ? $"{size:N0} tokens, ends with {string.Join(", ", info.EosIds)}, {(info.ChatTemplate ? "with" : "without")} a chat "
                    + $"template"
                : "none"
        );
        if (info.Adapter is { } adapter)
        {
            grid.AddRow("adapter", $"rank {adapter.Rank}, alpha {adapter.Alpha}, {adapter.Parameters:N0} parameters");
        }

        Terminal.Results.Write(grid);
    }

    private sealed record AdapterInfo(int Rank, float Alpha, long Parameters);

    private sealed record ModelInfo(
        string Model,
        string Family,
        long Parameters,
        string Type,
        long Bytes,
        int Layers,
        int Width,
        int Heads,
        int KeyValueHeads,
        int HeadWidth,
        int InnerWidth,
        int Vocabulary,
        int Context,
        bool TiedEmbeddings,
        int? TokenizerVocabulary,
        IReadOnlyList<int> EosIds,
        bool ChatTemplate,
        AdapterInfo? Adapter
    );
}
