using System.Globalization;
using System.Net;
using System.Threading.RateLimiting;
using AgentLightning.Server.Access;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Server.Limits;

/// <summary>
/// Limits the requests of each key, or of each client address where no valid key came along, over a sliding minute. Not by the framework's
/// middleware, which makes a limiter for endpoints with a timer of ten beats a second, whether one is used or not.
/// </summary>
internal sealed class RateLimits(LightningServerOptions options, TimeProvider time) : IDisposable
{
    private readonly SlidingMinute<HttpContext> _limiter = new(context => ShareOf(context, options), time);

    public async Task LimitAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<DisableRateLimitingAttribute>() is not null)
        {
            await next(context);
            return;
        }

        using var lease = _limiter.AttemptAcquire(context);
        if (lease.IsAcquired)
        {
            await next(context);
            return;
        }

        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? Math.Max(1, Math.Ceiling(after.TotalSeconds)) : 5;
        context.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
        await Problems.WriteAsync(
            context,
            StatusCodes.Status429TooManyRequests,
            $"Too many requests within a minute. Try again in {wait:0} seconds."
        );
    }

    public void Dispose() => _limiter.Dispose();

    private static RateShare ShareOf(HttpContext context, LightningServerOptions options)
    {
        var address = context.Connection.RemoteIpAddress;
        var near = address is null || IPAddress.IsLoopback(address);
        return new RateShare(
            context.RequestServices.GetRequiredService<Caller>().Key?.Id is { } key ? $"key {key} {near}" : ClientNetwork.Of(address),
            near ? options.LoopbackRateLimit : options.RateLimit
        );
    }
}
