namespace AgentLightning.Common;

/// <summary>The few distributions that tests and intervals need, to about twelve digits.</summary>
public static class Distributions
{
    /// <summary>How likely a standard normal value is above this.</summary>
    public static double NormalUpper(double z) => z >= 0 ? GammaUpper(0.5, z * z / 2) / 2 : 1 - (GammaUpper(0.5, z * z / 2) / 2);

    /// <summary>The value that a standard normal one is above with this chance, in (0, 1).</summary>
    public static double NormalQuantileUpper(double chance)
    {
        var (low, high) = (-40.0, 40.0);
        for (var step = 0; step < 100; step++)
        {
            var middle = (low + high) / 2;
            (low, high) = NormalUpper(middle) > chance ? (middle, high) : (low, middle);
        }

        return (low + high) / 2;
    }

    /// <summary>How likely a chi-square value of so many degrees of freedom is at least this.</summary>
    public static double ChiSquareUpper(double value, int degrees) => degrees < 1 || value <= 0 ? 1 : GammaUpper(degrees / 2.0, value / 2);

    /// <summary>
    /// The upper incomplete gamma function over the whole one, Q(a, x): by its series below a + 1, and by Lentz's continued fraction above.
    /// </summary>
    private static double GammaUpper(double a, double x)
    {
        const double Tiny = 1e-300;
        if (x <= 0)
        {
            return 1;
        }

        var front = Math.Exp((a * Math.Log(x)) - x - LogGamma(a));
        if (x < a + 1)
        {
            double term = 1 / a,
                sum = 1 / a;
            for (var n = 1; n < 1_000 && term > sum * 1e-16; n++)
            {
                term *= x / (a + n);
                sum += term;
            }

            return Math.Max(0, 1 - (front * sum));
        }

        var b = x + 1 - a;
        var (c, d) = (1 / Tiny, 1 / b);
        var h = d;
        for (var n = 1; n < 1_000; n++)
        {
            var step = -n * (n - a);
            b += 2;
            d = 1 / NotZero((step * d) + b);
            c = NotZero(b + (step / c));
            h *= d * c;
            if (Math.Abs((d * c) - 1) < 1e-15)
            {
                break;
            }
        }

        return front * h;

        static double NotZero(double value) => Math.Abs(value) < Tiny ? Tiny : value;
    }

    /// <summary>ln Γ for halves and whole numbers, which is what degrees of freedom need: Γ(a) = (a − 1)·Γ(a − 1).</summary>
    private static double LogGamma(double a)
    {
        var sum = 0.0;
        while (a > 1)
        {
            a -= 1;
            sum += Math.Log(a);
        }

        return a == 0.5 ? sum + (0.5 * Math.Log(Math.PI)) : sum;
    }
}
