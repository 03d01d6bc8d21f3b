using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace AgentLightning.Benchmarks;

/// <summary>A web server that answers one route and does nothing else, in a process of its own: what no server of this platform is below.</summary>
internal static class BareServer
{
    /// <summary>The argument with which this program is that server.</summary>
    public const string Argument = "bare-server";

    /// <summary>Serves on a free port, which it prints, until it is ended.</summary>
    public static async Task ServeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.Run(context => context.Response.WriteAsync("ok"));
        await app.StartAsync();
        await Console.Out.WriteLineAsync($"bare server at {app.Urls.Single()} ");
        await app.WaitForShutdownAsync();
    }

    /// <summary>Starts it.</summary>
    public static Task<ServerProcess> StartAsync() =>
        ServerProcess.StartAsync([Path.Combine(AppContext.BaseDirectory, "AgentLightning.Benchmarks.dll"), Argument]);
}
