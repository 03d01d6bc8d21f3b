using System.CommandLine;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Engine;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model tokenize</c>: standard input as the ids of a model.</summary>
internal static class ModelTokenizeCommand
{
    public static Command Create()
    {
        var (model, json) = (ModelCommand.Model(), CommonOptions.Json());
        var plain = new Option<bool>("--no-special-tokens") { Description = "Leave out the tokens that the folder puts around a text." };
        var command = new Command("tokenize", "Reads a text from standard input and prints its token ids and pieces.")
        {
            model,
            plain,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var tokenizer = LanguageModel.LoadTokenizer(parsed.GetValue(model)!.FullName);
                var text = await Console.In.ReadToEndAsync(cancellationToken);
                var ids = LanguageModel.Guard(() => tokenizer.Encode(text, !parsed.GetValue(plain)));
                string[] pieces = [.. ids.Select(id => tokenizer.TokenOf(id) ?? "")];
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(new { ids, pieces });
                }
                else
                {
                    foreach (var (id, piece) in ids.Zip(pieces))
                    {
                        Console.Out.WriteLine($"{id}\t{piece}");
                    }
                }

                return ExitCodes.Success;
            }
        );
        return command;
    }
}
