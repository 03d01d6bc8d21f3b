using System.Net;
using System.Net.Http.Headers;
using AgentLightning.Cli.Tests.Support;
using AgentLightning.Testing;

namespace AgentLightning.Cli.Tests;

public sealed class DoctorTests
{
    [Fact]
    public async Task It_says_what_to_switch_on_for_people_and_for_programs()
    {
        using var folder = new TemporaryFolder();
        using (var server = await ServingProcess.StartAsync(folder.Path, "lightning.db"))
        {
            await SendAsync(
                server,
                OtlpBytes.Request(
                    "app",
                    "Experimental.Microsoft.Extensions.AI",
                    [
                        OtlpBytes.Span(
                            $"{1:x32}",
                            $"{1:x16}",
                            null,
                            "chat",
                            1_772_625_600_000,
                            5,
                            [("gen_ai.operation.name", "chat"), ("gen_ai.request.model", "m")]
                        ),
                    ]
                )
            );
        }

        var people = await Lightning.RunAsync(folder.Path, "doctor");
        var programs = (await Lightning.RunAsync(folder.Path, "doctor", "--json")).Json();

        Assert.Equal(0, people.ExitCode);
        Assert.Contains("EnableSensitiveData", people.Out, StringComparison.Ordinal);
        Assert.Equal(1, programs.GetProperty("sources")[0].GetProperty("missing").GetProperty("content").GetInt32());
        Assert.Equal(
            (1, "app"),
            (programs.GetProperty("stored_spans").GetInt32(), programs.GetProperty("sources")[0].GetProperty("service").GetString())
        );
    }

    [Fact]
    public async Task Before_anything_was_received_it_says_how_to_send()
    {
        using var folder = new TemporaryFolder();
        using (await ServingProcess.StartAsync(folder.Path, "lightning.db"))
        {
            var outcome = await Lightning.RunAsync(folder.Path, "doctor");

            Assert.Equal(0, outcome.ExitCode);
            Assert.Contains("OTEL_EXPORTER_OTLP_ENDPOINT", outcome.Out, StringComparison.Ordinal);
        }
    }

    private static async Task SendAsync(ServingProcess server, byte[] body)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        using var response = await server.Http.PostAsync("/v1/traces", content);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }
}
