using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AgentLightning.Cli.Output;
using AgentLightning.Common;
using AgentLightning.Server;
using AgentLightning.Server.Health;
using Spectre.Console;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning health</c>: whether a server can do its work.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    public static Command Create()
    {
        var json = CommonOptions.Json();
        var server = new Option<string>("--server")
        {
            Description = "The server's address.",
            DefaultValueFactory = _ => LightningServerOptions.DefaultUrl,
        };
        var command = new Command(
            "health",
            "Asks a server whether it is ready; the exit code is 1 when it is not. Example: lightning health --server http://127.0.0.1:4747"
        )
        {
            server,
            json,
        };
        command.SetAction(
            async (parsed, cancellationToken) =>
            {
                var address = parsed.GetValue(server)!;
                var ready = await AskAsync(address, cancellationToken);
                if (parsed.GetValue(json))
                {
                    Terminal.WriteJson(ready);
                }
                else
                {
                    Write(address, ready);
                }

                return ready.Status == "healthy" ? ExitCodes.Success : ExitCodes.Failure;
            }
        );
        return command;
    }

    private static async Task<ReadyResponse> AskAsync(string address, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            throw LightningException.Invalid(
                $"--server must be an address such as {LightningServerOptions.DefaultUrl}, but it is '{address}'."
            );
        }

        using var http = new HttpClient { Timeout = s_patience };
        try
        {
            using var response = await http.GetAsync(new Uri(uri, "/health/ready"), cancellationToken);
            if (response.StatusCode is not (HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable))
            {
                throw new LightningException(
                    ErrorKind.Unavailable,
                    $"{address} answered {(int)response.StatusCode} to /health/ready; it seems to be another program."
                );
            }

            return (await response.Content.ReadFromJsonAsync<ReadyResponse>(LightningJson.Options, cancellationToken))!;
        }
        catch (HttpRequestException e)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"{address} does not answer: {e.Message}. Start it with 'lightning serve'.",
                e
            );
        }
        catch (JsonException e)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"{address} did not answer as a Lightning server does; it seems to be another program.",
                e
            );
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LightningException(ErrorKind.Unavailable, $"{address} did not answer within {s_patience.TotalSeconds:0} seconds.", e);
        }
    }

    private static void Write(string address, ReadyResponse ready)
    {
        var table = new Table().AddColumns("", "").HideHeaders();
        table.AddRow("endpoint", Markup.Escape(address));
        table.AddRow("status", Markup.Escape(ready.Status));
        table.AddRow("initialized", ready.Initialized ? "yes" : "no");
        table.AddRow("database", Markup.Escape(ready.Database));
        table.AddRow("auth mode", Markup.Escape(ready.AuthMode));
        foreach (var check in ready.Checks)
        {
            table.AddRow(
                Markup.Escape(check.Name),
                Markup.Escape(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{check.Status}, {check.DurationMs:0.0} ms{(check.Detail is null ? "" : ": " + check.Detail)}"
                    )
                )
            );
        }

        Terminal.Results.Write(table);
    }
}
