using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using AgentLightning.Cli.Input;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Engine;
using AgentLightning.Models.Hub;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning model pull</c>: a model from a hub into a folder.</summary>
internal static class ModelPullCommand
{
    public static Command Create()
    {
        var repository = new Argument<string>("repo") { Description = "The model: owner/name, or the address of its page on a hub." };
        CommonOptions.RefuseOptions(repository, "The model comes first, for example 'lightning model pull Qwen/Qwen2.5-0.5B'.");
        var hub = new Option<string?>("--hub") { Description = "The hub; HF_ENDPOINT or else https://huggingface.co by default." };
        var revision = new Option<string?>("--revision") { Description = "Branch, tag or commit; main by default." };
        var output = new Option<DirectoryInfo?>("--out") { Description = "Folder for the model; its name, in this folder, by default." };
        var json = CommonOptions.Json();
        var command = new Command(
            "pull",
            "Brings a model from a hub; a pull that was cut off goes on where it stopped. Example: lightning model pull Qwen/Qwen2.5-0.5B "
                + "--out qwen2.5-0.5b"
        )
        {
            repository,
            hub,
            revision,
            output,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var address = LanguageModel.Guard(() => ModelAddress.Parse(parsed.GetValue(repository)!));
                var options = new HubOptions
                {
                    Url = Hub(address, parsed.GetValue(hub)),
                    Token = Environment.GetEnvironmentVariable("HF_TOKEN") is { Length: > 0 } token ? token.Trim() : null,
                };
                var folder = parsed.GetValue(output)?.FullName ?? Path.GetFullPath(address.Name);
                using var client = LanguageModel.Guard(() => new ModelHub(options));
                var clock = Stopwatch.StartNew();
                var found = await client.FindAsync(
                    address.Repository,
                    parsed.GetValue(revision) ?? address.Revision ?? "main",
                    cancellationToken
                );
                PulledModel pulled;
                using (var progress = new PullProgressLine())
                {
                    pulled = await client.PullAsync(found, folder, progress, cancellationToken);
                }

                Write(pulled, clock.Elapsed, parsed.GetValue(json));
                return ExitCodes.Success;
            }
        );
        return command;
    }

    private static Uri Hub(ModelAddress address, string? given)
    {
        if (address.Hub is not null)
        {
            return given is null
                ? address.Hub
                : throw LightningException.Invalid(
                    $"The address of the model names its hub, {address.Hub}: leave --hub out, or give only owner/name."
                );
        }

        var (name, text) = given is not null ? ("--hub", given) : ("HF_ENDPOINT", Environment.GetEnvironmentVariable("HF_ENDPOINT"));
        return string.IsNullOrWhiteSpace(text) && given is null ? new HubOptions().Url
            : Uri.TryCreate(text, UriKind.Absolute, out var hub) ? hub
            : throw LightningException.Invalid($"{name} must be an address such as https://huggingface.co, but it is '{text}'.");
    }

    private static void Write(PulledModel pulled, TimeSpan time, bool json)
    {
        var bytes = pulled.Files.Sum(file => file.Size ?? 0);
        if (json)
        {
            Terminal.WriteJson(
                new
                {
                    repository = pulled.Repository,
                    commit = pulled.Commit,
                    folder = pulled.Folder,
                    files = pulled.Files.Select(file => new
                    {
                        name = file.Name,
                        size = file.Size,
                        sha256 = file.Sha256,
                    }),
                    bytes,
                    downloaded_bytes = pulled.DownloadedBytes,
                    seconds = Math.Round(time.TotalSeconds, 3),
                }
            );
        }
        else
        {
            Console.Out.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{pulled.Repository} at {pulled.Commit}: {pulled.Files.Count} files, {bytes / 1e6:N1} MB, "
                        + $"{pulled.DownloadedBytes / 1e6:N1} MB of them new, in {pulled.Folder}"
                )
            );
        }
    }
}
